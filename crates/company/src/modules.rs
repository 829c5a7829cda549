//! What the program is made of, as a company's config sees it: one static list of modules.
//!
//! A module is a section of the config with the rules of its keys, what it adds to prompts, what it does with events,
//! and the tables that it keeps. To add a feature is to add a module and its line; a test holds that names are unique
//! and that no feature takes a reserved section (E064, E065, E068).

use std::panic::{AssertUnwindSafe, catch_unwind};

use contract::EventBody;

use crate::config::rules::{
    ACTIONS, ALSO_USED, AUTONOMY, CADENCE, Check, ENGINES, PRESETS, REVIEWERS, ROUTING, Rule, TRUST, required, rule,
};
use crate::prompt::{self, View};
use Check::*;

/// A section of the config and all that belongs to it.
#[derive(Clone, Copy)]
pub struct Module {
    /// The section, a top-level key of the config.
    pub section: &'static str,
    /// Whether anything reads the section yet. What nothing reads is checked and kept.
    pub is_read: bool,
    /// Keys of it that nothing reads yet.
    pub(crate) unread: &'static [&'static str],
    /// What its keys may hold. Those without a rule have to be of their default's type.
    pub(crate) rules: &'static [Rule],
    /// What it adds to prompts.
    pub providers: &'static [Provider],
    /// What it does with what agents say and do.
    pub handlers: &'static [Handler],
    /// The tables of the database that it keeps.
    pub tables: &'static [&'static str],
}

/// Something that prompts say.
#[derive(Clone, Copy)]
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    /// Its place in the prompt, the lowest first.
    pub place: u8,
    /// Bytes of the prompt that it may take.
    pub budget: usize,
    /// What it says to an agent; empty for nothing.
    pub words: fn(&View<'_>) -> String,
}

/// Something that is done with each event of a run.
#[derive(Clone, Copy)]
pub struct Handler {
    /// Its name.
    pub name: &'static str,
    /// Does it. A failure says why, in a sentence.
    pub hear: fn(&EventBody) -> Result<(), String>,
}

const NOTHING: Module =
    Module { section: "", is_read: false, unread: &[], rules: &[], providers: &[], handlers: &[], tables: &[] };

const fn provider(name: &'static str, place: u8, budget: usize, words: fn(&View<'_>) -> String) -> Provider {
    Provider { name, place, budget, words }
}

/// The modules that no company does without. Their sections are reserved (E064).
pub const CORE: &[Module] = &[
    Module {
        section: "company",
        is_read: true,
        unread: &["company.industry"],
        rules: &[
            required("company", Section),
            required("company.name", Text),
            required("company.template", Text),
            rule("company.industry", AnyText),
            rule("company.about", AnyText),
        ],
        providers: &[provider("company", 2, 20 * 1024, prompt::company)],
        tables: &["companies", "sessions", "jobs"],
        ..NOTHING
    },
    Module {
        section: "agents",
        is_read: true,
        unread: &["agents.*.check_in_interval", "agents.*.mcp_servers"],
        rules: &[
            required("agents", Section),
            rule("agents.*", Mapping),
            rule("agents.*.enabled", Switch),
            rule("agents.*.model", Model),
            rule("agents.*.engine", EngineName(&[])),
            rule("agents.*.engine_model", AnyModel),
            rule("agents.*.display_name", AnyText),
            rule("agents.*.persona", OneOf(PRESETS)),
            rule("agents.*.skills", Names),
            rule("agents.*.autonomy", OneOf(AUTONOMY)),
            rule("agents.*.cost_limit_daily", NonNegative),
            rule("agents.*.check_in_interval", Free),
            rule("agents.*.mcp_servers", Texts),
            rule("agents.*.workers", Workers),
            // Below a list of roles: for `config get` and `config set`; [`Workers`] holds the values.
            rule("agents.*.workers.*.enabled", Switch),
            rule("agents.*.workers.*.model", Model),
            rule("agents.*.workers.*.engine", EngineName(&[])),
            rule("agents.*.workers.*.engine_model", AnyModel),
            rule("agents.*.workers.*.display_name", AnyText),
            rule("agents.*.workers.*.persona", OneOf(PRESETS)),
            rule("agents.*.workers.*.skills", Names),
            rule("agents.*.workers.*.autonomy", OneOf(AUTONOMY)),
            rule("agents.*.workers.*.cost_limit_daily", NonNegative),
        ],
        providers: &[provider("soul", 0, 32 * 1024, prompt::soul), provider("team", 3, 12 * 1024, prompt::team)],
        ..NOTHING
    },
    Module {
        section: "settings",
        is_read: true,
        unread: &["settings.auto_start_workers"],
        rules: &[
            rule("settings", Section),
            rule("settings.cost_limit_daily", NonNegative),
            rule("settings.cost_limit_monthly", NonNegative),
            rule("settings.cost_limit_session", NonNegative),
            rule("settings.token_limit_daily", Whole),
            rule("settings.token_limit_monthly", Whole),
            rule("settings.token_limit_brief", Whole),
            rule("settings.escalation_threshold", OneOf(&["low", "medium", "high"])),
            rule("settings.auto_start_workers", Switch),
        ],
        providers: &[provider("limits", 8, 4 * 1024, prompt::limits)],
        tables: &["costs", "leases", "limit_raises"],
        ..NOTHING
    },
    Module {
        section: "engine",
        is_read: true,
        rules: &[
            rule("engine", Section),
            rule("engine.mode", Engine(ENGINES)),
            rule("engine.api_key", Secret),
            rule("engine.prices", Section),
            rule("engine.prices.*", Mapping),
            rule("engine.prices.*.input", NonNegative),
            rule("engine.prices.*.output", NonNegative),
            rule("engine.prices.*.cache_read", NonNegative),
            rule("engine.prices.*.cache_write", NonNegative),
        ],
        ..NOTHING
    },
    Module {
        section: "engines",
        is_read: true,
        rules: &[
            rule("engines", Section),
            rule("engines.use", EngineName(ALSO_USED)),
            rule("engines.model", AnyModel),
            rule("engines.fallback", EngineName(&[])),
        ],
        ..NOTHING
    },
    Module {
        section: "persona",
        is_read: true,
        unread: &["persona.agents.*.role_preset"],
        rules: &[
            rule("persona", Section),
            rule("persona.preset", OneOf(PRESETS)),
            rule("persona.overrides", Section),
            rule("persona.overrides.*", Word(PRESETS)),
            rule("persona.agents", Section),
            rule("persona.agents.*", Mapping),
            rule("persona.agents.*.display_name", AnyText),
            rule("persona.agents.*.role_preset", Slug),
            rule("persona.agents.*.traits", Section),
            rule(
                "persona.agents.*.traits.communication_style",
                Word(&["direct", "diplomatic", "analytical", "creative"]),
            ),
            rule("persona.agents.*.traits.decision_making", Word(&["data-driven", "intuitive", "collaborative"])),
            rule("persona.agents.*.traits.risk_tolerance", Word(&["conservative", "moderate", "aggressive"])),
            rule("persona.agents.*.traits.conflict_approach", Word(&["confrontational", "collaborative", "avoidant"])),
            rule("persona.agents.*.traits.assertiveness", WholeBetween(1, 5)),
            rule("persona.agents.*.traits.creativity", WholeBetween(1, 5)),
            rule("persona.agents.*.background", Mapping),
            rule("persona.agents.*.background.industry_experience", List),
            rule("persona.agents.*.background.years_experience", NonNegative),
            rule("persona.agents.*.background.specialized_knowledge", List),
            rule("persona.agents.*.background.work_history", AnyText),
        ],
        providers: &[provider("persona", 1, 8 * 1024, prompt::persona)],
        ..NOTHING
    },
    Module {
        section: "cloud",
        rules: &[rule("cloud", Section), required("cloud.businessId", Text), rule("cloud.linkedAt", Free)],
        ..NOTHING
    },
];

/// The features.
pub const FEATURES: &[Module] = &[
    Module {
        section: "autonomy",
        is_read: true,
        rules: &[
            rule("autonomy.default_level", Word(AUTONOMY)),
            rule("autonomy.overrides", Section),
            rule("autonomy.overrides.*", Section),
            rule("autonomy.overrides.*.level", Word(AUTONOMY)),
            rule("autonomy.overrides.*.grant", Texts),
            rule("autonomy.overrides.*.restrict", Texts),
        ],
        providers: &[provider("autonomy", 4, 8 * 1024, prompt::autonomy)],
        ..NOTHING
    },
    Module {
        section: "escalation",
        is_read: true,
        unread: &["escalation.track_events"],
        rules: &[
            rule("escalation.max_retries", Whole),
            rule("escalation.chain_overrides", Section),
            rule("escalation.chain_overrides.*", Texts),
        ],
        providers: &[provider("escalation", 5, 4 * 1024, prompt::escalation)],
        tables: &["questions"],
        ..NOTHING
    },
    Module {
        section: "skills",
        is_read: true,
        rules: &[
            rule("skills.custom", Section),
            rule("skills.custom.*", Mapping),
            required("skills.custom.*.description", Text),
            required("skills.custom.*.prompt_template", Text),
            rule("skills.overrides", Section),
            rule("skills.overrides.*", Section),
            rule("skills.overrides.*.add", Texts),
            rule("skills.overrides.*.remove", Texts),
        ],
        providers: &[provider("skills", 6, 24 * 1024, prompt::skills)],
        ..NOTHING
    },
    Module {
        section: "tools",
        is_read: true,
        rules: &[rule("tools", Section), rule("tools.commands", MaybeSwitch)],
        providers: &[provider("tools", 7, 4 * 1024, prompt::tools)],
        ..NOTHING
    },
    Module {
        section: "knowledge",
        is_read: true,
        unread: &[
            "knowledge.max_wiki_context_chars",
            "knowledge.max_decision_entries",
            "knowledge.max_search_results",
            "knowledge.wiki_edit_roles",
        ],
        rules: &[rule("knowledge.wiki_edit_roles", Texts)],
        providers: &[provider("journal", 9, 16 * 1024, prompt::memory)],
        tables: &["journal"],
        ..NOTHING
    },
    Module {
        section: "slack",
        rules: &[
            rule("slack.channel_prefix", Prefix),
            rule("slack.custom_display_names", Mapping),
            rule("slack.custom_display_names.*", AnyText),
        ],
        ..NOTHING
    },
    Module {
        section: "tasks",
        rules: &[
            rule("tasks.default_review_chains", Section),
            rule("tasks.default_review_chains.*", ListOf(REVIEWERS)),
            rule("tasks.review_chain_overrides", Mapping),
            rule("tasks.review_chain_overrides.*", Mapping),
            rule("tasks.review_chain_overrides.*.*", ListOf(REVIEWERS)),
        ],
        ..NOTHING
    },
    Module {
        section: "hr",
        rules: &[
            rule("hr.review_cadence", Word(CADENCE)),
            rule("hr.onboarding_ramp", Word(&["instant", "standard", "extended"])),
        ],
        ..NOTHING
    },
    Module {
        section: "projects",
        rules: &[
            rule("projects.max_phases", Between(1.0, 20.0)),
            rule("projects.phase_max_turns", AtLeast(1.0)),
            rule("projects.planning_model", Model),
            rule("projects.execution_model", Model),
            rule("projects.review_model", Model),
            rule("projects.summary_model", Model),
        ],
        ..NOTHING
    },
    Module {
        section: "routing",
        rules: &[
            rule("routing.mode", Word(ROUTING)),
            required("routing.custom_rules[].from_department", Text),
            required("routing.custom_rules[].to_department", Text),
            required("routing.custom_rules[].mode", RuleMode),
        ],
        ..NOTHING
    },
    Module { section: "integrations", ..NOTHING },
    Module {
        section: "safeguards",
        rules: &[
            rule("safeguards.action_expiry_hours", AtLeast(1.0)),
            rule("safeguards.max_pending_per_agent", AtLeast(1.0)),
            rule("safeguards.categories", KeysOf(ACTIONS)),
            rule("safeguards.categories.*.auto_execute", Switch),
            rule("safeguards.categories.*.approval_chain", List),
        ],
        ..NOTHING
    },
    Module {
        section: "trust",
        rules: &[
            rule("trust.max_level", Word(TRUST)),
            rule("trust.overrides", Mapping),
            rule("trust.overrides.*", Mapping),
            rule("trust.overrides.*.*", Word(TRUST)),
        ],
        ..NOTHING
    },
    Module {
        section: "scheduler",
        rules: &[
            rule("scheduler.poll_interval_seconds", Between(5.0, 3600.0)),
            rule("scheduler.max_concurrent", Between(1.0, 10.0)),
            rule("scheduler.missed_run_policy", Word(&["skip", "run_once"])),
            rule("scheduler.quiet_hours_start", Clock),
            rule("scheduler.quiet_hours_end", Clock),
        ],
        ..NOTHING
    },
    Module {
        section: "reporting",
        rules: &[rule("reporting.default_delivery", Word(&["slack", "file", "both"]))],
        ..NOTHING
    },
    Module {
        section: "auto_reviews",
        rules: &[
            rule("auto_reviews.trigger", Word(&["task_completed", "periodic", "both"])),
            rule("auto_reviews.periodic_cadence", Word(CADENCE)),
        ],
        ..NOTHING
    },
    Module {
        section: "notifications",
        rules: &[
            rule("notifications.default_channel", Word(&["slack_dm", "slack_channel", "dashboard", "digest"])),
            rule("notifications.min_push_urgency", Word(&["critical", "high", "medium", "low"])),
            rule("notifications.max_context_notifications", Between(1.0, 50.0)),
            rule("notifications.retention_days", AtLeast(1.0)),
            rule("notifications.quiet_hours_start", Clock),
            rule("notifications.quiet_hours_end", Clock),
        ],
        ..NOTHING
    },
    Module {
        section: "events",
        rules: &[
            rule("events.max_context_events", Between(1.0, 20.0)),
            rule("events.minutes_format", Word(&["structured", "narrative", "bullet"])),
        ],
        ..NOTHING
    },
];

/// All modules.
pub fn all() -> impl Iterator<Item = &'static Module> {
    CORE.iter().chain(FEATURES)
}

/// The module of a section.
pub fn find(section: &str) -> Option<&'static Module> {
    all().find(|module| module.section == section)
}

/// Every key with a rule of its own.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    all().flat_map(|module| module.rules)
}

/// What is wrong with a list of features: reserved sections, names that occur twice, rules of another's section.
pub fn faults(features: &[Module]) -> Vec<String> {
    let mut found = Vec::new();
    let twice = |what: &str, names: Vec<&str>, found: &mut Vec<String>| {
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                found.push(format!("{what} {name} is there twice"));
            }
        }
    };
    for module in features.iter().filter(|module| CORE.iter().any(|core| core.section == module.section)) {
        found.push(format!("section {} is reserved", module.section));
    }
    let all = || CORE.iter().chain(features);
    for module in all() {
        for rule in module.rules.iter().filter(|rule| rule.path.split('.').next() != Some(module.section)) {
            found.push(format!("rule {} does not belong to {}", rule.path, module.section));
        }
    }
    twice("section", features.iter().map(|module| module.section).collect(), &mut found);
    twice("rule", all().flat_map(|module| module.rules).map(|rule| rule.path).collect(), &mut found);
    twice("provider", all().flat_map(|module| module.providers).map(|provider| provider.name).collect(), &mut found);
    twice("handler", all().flat_map(|module| module.handlers).map(|handler| handler.name).collect(), &mut found);
    twice("table", all().flat_map(|module| module.tables).copied().collect(), &mut found);
    let mut places: Vec<u8> = all().flat_map(|module| module.providers).map(|provider| provider.place).collect();
    places.sort_unstable();
    if !places.is_sorted_by(|a, b| a < b) {
        found.push("two providers have the same place".to_owned());
    }
    found
}

/// Gives an event to handlers. One that fails, or panics, is named in a warning, and the others still hear (E069).
pub fn hear(handlers: &[Handler], event: &EventBody) -> Vec<String> {
    let mut warnings = Vec::new();
    for handler in handlers {
        let heard = catch_unwind(AssertUnwindSafe(|| (handler.hear)(event)));
        let why = match heard {
            Ok(Ok(())) => continue,
            Ok(Err(why)) => contract::one_line(&why, 400),
            Err(_) => "it broke down".to_owned(),
        };
        warnings.push(format!("{} did not take what was said: {why}.", handler.name));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_list_holds() {
        assert_eq!(faults(FEATURES), [""; 0]);
    }

    #[test]
    fn e064_a_reserved_section_is_refused() {
        let found = faults(&[Module { section: "company", ..NOTHING }]);
        assert_eq!(found, ["section company is reserved"]);
    }

    #[test]
    fn e065_the_same_section_twice_is_refused() {
        let one = Module { section: "mine", ..NOTHING };
        assert_eq!(faults(&[one, one]), ["section mine is there twice"]);
    }

    #[test]
    fn e068_the_same_name_twice_is_refused() {
        const DEAF: Handler = Handler { name: "deaf", hear: |_| Ok(()) };
        const WORDS: &[Provider] = &[provider("words", 100, 1, |_| String::new())];
        const STRAY: &[Rule] = &[rule("other.key", Free)];
        let one = Module { section: "one", providers: WORDS, tables: &["things"], ..NOTHING };
        let two = Module { section: "two", handlers: &[DEAF, DEAF], ..one };
        assert_eq!(
            faults(&[one, two]),
            [
                "provider words is there twice",
                "handler deaf is there twice",
                "table things is there twice",
                "two providers have the same place",
            ]
        );
        assert_eq!(
            faults(&[Module { section: "stray", rules: STRAY, ..NOTHING }]),
            ["rule other.key does not belong to stray"]
        );
    }

    #[test]
    fn e069_a_handler_that_fails_does_not_keep_the_others_from_hearing() {
        static HEARD: AtomicUsize = AtomicUsize::new(0);
        let handlers = [
            Handler { name: "failing", hear: |_| Err("no line\nto Slack".to_owned()) },
            Handler { name: "breaking", hear: |_| panic!("on purpose") },
            Handler {
                name: "good",
                hear: |_| {
                    HEARD.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                },
            },
        ];
        let event = EventBody::FollowUp { text: "Use the second headline.".to_owned() };
        let warnings = hear(&handlers, &event);
        assert_eq!(HEARD.load(Ordering::Relaxed), 1);
        assert_eq!(
            warnings,
            [
                "failing did not take what was said: no line to Slack.",
                "breaking did not take what was said: it broke down."
            ]
        );
    }

    #[test]
    fn every_section_with_defaults_has_its_module() {
        for section in crate::config::sections_with_defaults() {
            assert!(find(section).is_some(), "{section}");
        }
    }
}
