//! What each key of the config may hold: one table, read by the validator and by `config set`.

use Check::*;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Check {
    /// A mapping, or nothing.
    Section,
    /// A text with something in it.
    Text,
    /// A text, empty or not.
    AnyText,
    /// `true` or `false`.
    Switch,
    /// A number from 0 up.
    NonNegative,
    /// A number above 0.
    Positive,
    /// A whole number from 0 up.
    Whole,
    /// A number in a range, ends included.
    Between(f64, f64),
    /// A whole number in a range, ends included.
    WholeBetween(i64, i64),
    /// One of these words, or nothing.
    OneOf(&'static [&'static str]),
    /// One of these words. Others are a fault, but the company opens: whoever runs it says what to do.
    Engine(&'static [&'static str]),
    /// A model's name, or nothing.
    Model,
    /// Lower-case letters, digits and hyphens, a letter first.
    Slug,
    /// The same, and it may begin with any of them.
    Prefix,
    /// A list.
    List,
    /// A list of texts.
    Texts,
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A time of day as `HH:MM`, or nothing.
    Clock,
    /// An agent's workers.
    Workers,
    /// A rule's mode of routing.
    RuleMode,
    /// Anything.
    Free,
}

/// What one key may hold.
pub(super) struct Rule {
    /// The key with dots: `*` stands for any key of a map, `[]` for the items of a list.
    pub path: &'static str,
    pub check: Check,
    /// Whether it has to be there wherever its parent is.
    pub required: bool,
}

const fn rule(path: &'static str, check: Check) -> Rule {
    Rule { path, check, required: false }
}

const fn required(path: &'static str, check: Check) -> Rule {
    Rule { path, check, required: true }
}

/// Short names of models; full Claude ids hold as well.
pub(crate) const SHORT_MODELS: [&str; 3] = ["opus", "sonnet", "haiku"];
/// Persona presets.
pub(crate) const PRESETS: &[&str] = &["professional", "startup", "technical", "creative"];
/// Engines that a config may name: ours, and the original's two.
const ENGINES: &[&str] = &["auto", "anthropic-api", "practice", "claude-code", "claude-api"];
const AUTONOMY: &[&str] = &["restricted", "guided", "standard", "autonomous"];
const TRUST: &[&str] = &["probationary", "established", "trusted", "veteran"];
const REVIEWERS: &[&str] = &["self", "peer", "department_head", "csuite", "owner"];
const ROUTING: &[&str] = &["strict_hierarchy", "open_cc_manager", "open", "custom"];

/// Every key with a rule of its own. Other keys of the sections in `assets/defaults.json` have to be of their
/// default's type.
pub(super) const RULES: &[Rule] = &[
    required("company", Section),
    required("company.name", Text),
    required("company.template", Text),
    rule("company.industry", AnyText),
    rule("company.about", AnyText),
    required("agents", Section),
    rule("agents.*", Section),
    rule("agents.*.enabled", Switch),
    rule("agents.*.model", Model),
    rule("agents.*.check_in_interval", Free),
    rule("agents.*.mcp_servers", Texts),
    rule("agents.*.workers", Workers),
    // Below a list of roles: for `config get` and `config set`; [`Workers`] holds the values.
    rule("agents.*.workers.*.enabled", Switch),
    rule("agents.*.workers.*.model", Model),
    rule("settings", Section),
    rule("settings.cost_limit_daily", NonNegative),
    rule("settings.cost_limit_monthly", NonNegative),
    rule("settings.escalation_threshold", OneOf(&["low", "medium", "high"])),
    rule("settings.auto_start_workers", Switch),
    rule("persona", Section),
    rule("persona.preset", OneOf(PRESETS)),
    rule("persona.overrides", Section),
    rule("persona.overrides.*", OneOf(PRESETS)),
    rule("persona.agents", Section),
    rule("persona.agents.*", Section),
    rule("persona.agents.*.display_name", AnyText),
    rule("persona.agents.*.role_preset", Slug),
    rule("persona.agents.*.traits", Section),
    rule("persona.agents.*.traits.communication_style", OneOf(&["direct", "diplomatic", "analytical", "creative"])),
    rule("persona.agents.*.traits.decision_making", OneOf(&["data-driven", "intuitive", "collaborative"])),
    rule("persona.agents.*.traits.risk_tolerance", OneOf(&["conservative", "moderate", "aggressive"])),
    rule("persona.agents.*.traits.conflict_approach", OneOf(&["confrontational", "collaborative", "avoidant"])),
    rule("persona.agents.*.traits.assertiveness", WholeBetween(1, 5)),
    rule("persona.agents.*.traits.creativity", WholeBetween(1, 5)),
    rule("persona.agents.*.background", Section),
    rule("persona.agents.*.background.industry_experience", List),
    rule("persona.agents.*.background.years_experience", NonNegative),
    rule("persona.agents.*.background.specialized_knowledge", List),
    rule("persona.agents.*.background.work_history", AnyText),
    rule("engine", Section),
    rule("engine.mode", Engine(ENGINES)),
    rule("tools", Section),
    rule("tools.commands", Switch),
    rule("cloud", Section),
    required("cloud.businessId", Text),
    rule("cloud.linkedAt", Free),
    rule("slack.channel_prefix", Prefix),
    rule("slack.custom_display_names", Section),
    rule("slack.custom_display_names.*", AnyText),
    rule("tasks.default_review_chains", Section),
    rule("tasks.default_review_chains.*", ListOf(REVIEWERS)),
    rule("autonomy.default_level", OneOf(AUTONOMY)),
    rule("autonomy.overrides", Section),
    rule("autonomy.overrides.*", Section),
    rule("autonomy.overrides.*.level", OneOf(AUTONOMY)),
    rule("autonomy.overrides.*.grant", Texts),
    rule("autonomy.overrides.*.restrict", Texts),
    rule("escalation.max_retries", Whole),
    rule("escalation.chain_overrides", Section),
    rule("escalation.chain_overrides.*", Texts),
    rule("skills.custom", Section),
    rule("skills.custom.*", Section),
    required("skills.custom.*.description", Text),
    required("skills.custom.*.prompt_template", Text),
    rule("skills.overrides", Section),
    rule("skills.overrides.*", Section),
    rule("skills.overrides.*.add", Texts),
    rule("skills.overrides.*.remove", Texts),
    rule("hr.review_cadence", OneOf(&["weekly", "biweekly", "monthly", "quarterly"])),
    rule("projects.max_phases", Between(1.0, 20.0)),
    rule("projects.phase_max_turns", Positive),
    rule("projects.planning_model", Model),
    rule("projects.execution_model", Model),
    rule("projects.review_model", Model),
    rule("projects.summary_model", Model),
    rule("routing.mode", OneOf(ROUTING)),
    rule("routing.custom_rules[].mode", RuleMode),
    rule("safeguards.action_expiry_hours", Positive),
    rule("trust.max_level", OneOf(TRUST)),
    rule("trust.overrides", Section),
    rule("trust.overrides.*", Section),
    rule("trust.overrides.*.*", OneOf(TRUST)),
    rule("scheduler.poll_interval_seconds", Between(5.0, 3600.0)),
    rule("scheduler.max_concurrent", Between(1.0, 10.0)),
    rule("scheduler.missed_run_policy", OneOf(&["skip", "run_once"])),
    rule("scheduler.quiet_hours_start", Clock),
    rule("scheduler.quiet_hours_end", Clock),
    rule("notifications.quiet_hours_start", Clock),
    rule("notifications.quiet_hours_end", Clock),
];

/// The modes that a single rule of routing may have.
pub(super) const RULE_MODES: &[&str] = &["strict_hierarchy", "open_cc_manager", "open"];

/// Whether a name is a model's: a short name or a full Claude id.
pub(crate) fn is_model(name: &str) -> bool {
    SHORT_MODELS.contains(&name)
        || name.strip_prefix("claude-").is_some_and(|rest| {
            (1..=80).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'@'))
        })
}

/// Whether a name is a role's: lower-case letters, digits, hyphens and underscores, a letter first.
pub(crate) fn is_role(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

impl Check {
    /// Whether a text is expected, so that a bare `2024` means the word and not the number.
    pub fn wants_text(self) -> bool {
        matches!(self, Text | AnyText)
    }

    /// What is expected, to stand after "must be".
    pub fn expected(self) -> String {
        let words = |words: &[&str]| match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.join(""),
        };
        match self {
            Section => "a mapping of keys to values, not a single value".to_owned(),
            Text => "a text that is not empty".to_owned(),
            AnyText => "a text".to_owned(),
            Switch => "true or false".to_owned(),
            NonNegative => "a number from 0 up".to_owned(),
            Positive => "a number above 0".to_owned(),
            Whole => "a whole number from 0 up".to_owned(),
            Between(low, high) => format!("a number from {low} to {high}"),
            WholeBetween(low, high) => format!("a whole number from {low} to {high}"),
            OneOf(names) | Engine(names) => words(names),
            Model => "opus, sonnet, haiku or a full Claude model id such as claude-opus-4-6".to_owned(),
            Slug => "a word of lower-case letters, digits and hyphens that begins with a letter".to_owned(),
            Prefix => "a word of lower-case letters, digits and hyphens".to_owned(),
            List => "a list".to_owned(),
            Texts => "a list of texts".to_owned(),
            ListOf(names) => format!("a list of {}", words(names)),
            Clock => "a time of day in quotes such as \"22:00\", or null".to_owned(),
            Workers => "a list of roles, each with its settings or none".to_owned(),
            RuleMode => format!("{} (a rule cannot be \"custom\" itself)", words(RULE_MODES)),
            Free => "a value".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_short_names_or_claude_ids() {
        for name in ["opus", "sonnet", "haiku", "claude-opus-4-6", "claude-3.5-haiku@20241022"] {
            assert!(is_model(name), "{name}");
        }
        for name in ["gpt-4", "llama", "claude-", "Claude-opus", "claude-opus 4", "", "claude-x\n"] {
            assert!(!is_model(name), "{name}");
        }
    }
}
