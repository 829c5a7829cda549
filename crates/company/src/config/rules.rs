//! What a key of the config may hold. Which keys there are stands in [`crate::modules`].

use contract::{EngineKind, engine_from_name};

use Check::*;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Check {
    /// A mapping, or nothing.
    Section,
    /// A text with something in it.
    Text,
    /// A text, empty or not.
    AnyText,
    /// `true` or `false`.
    Switch,
    /// The same, or nothing.
    MaybeSwitch,
    /// A number from 0 up.
    NonNegative,
    /// A number from this up.
    AtLeast(f64),
    /// A whole number from 0 up.
    Whole,
    /// A number in a range, ends included.
    Between(f64, f64),
    /// A whole number in a range, ends included.
    WholeBetween(i64, i64),
    /// A mapping.
    Mapping,
    /// A mapping with no other keys than these.
    KeysOf(&'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or nothing.
    OneOf(&'static [&'static str]),
    /// One of these words. Others are a fault, but the company opens: whoever runs it says what to do.
    Engine(&'static [&'static str]),
    /// The name of an engine that a brief is really worked on by, or one of these words, or nothing. Others are a fault,
    /// but the company opens, as with [`Check::Engine`].
    EngineName(&'static [&'static str]),
    /// A model's name, or nothing.
    Model,
    /// A model's name as any provider may write it, or nothing.
    AnyModel,
    /// Lower-case letters, digits and hyphens, a letter first.
    Slug,
    /// The same, and it may begin with any of them.
    Prefix,
    /// A list.
    List,
    /// A list of texts.
    Texts,
    /// A list of texts, or a single one, or nothing.
    Names,
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A time of day as `HH:MM`, or nothing.
    Clock,
    /// An agent's workers.
    Workers,
    /// A rule's mode of routing.
    RuleMode,
    /// A text that nothing reads and no message shows.
    Secret,
    /// Anything.
    Free,
}

/// What one key may hold.
pub(crate) struct Rule {
    /// The key with dots: `*` stands for any key of a map, `[]` for the items of a list.
    pub path: &'static str,
    pub check: Check,
    /// Whether it has to be there wherever its parent is.
    pub required: bool,
}

pub(crate) const fn rule(path: &'static str, check: Check) -> Rule {
    Rule { path, check, required: false }
}

pub(crate) const fn required(path: &'static str, check: Check) -> Rule {
    Rule { path, check, required: true }
}

/// Short names of models; full Claude ids hold as well.
pub(crate) const SHORT_MODELS: [&str; 3] = ["opus", "sonnet", "haiku"];
/// Persona presets.
pub const PRESETS: &[&str] = &["professional", "startup", "technical", "creative"];
/// Engines that `engine.mode` may name: the ones for Claude's models, with the original's two names.
pub(crate) const ENGINES: &[&str] = &["auto", "anthropic-api", "practice", "claude-code", "claude-api"];
/// What `engines.use` may say beside the engines that work.
pub(crate) const ALSO_USED: &[&str] = &["auto", "practice"];
pub(crate) const AUTONOMY: &[&str] = &crate::autonomy::LEVELS;
pub(crate) const TRUST: &[&str] = &["probationary", "established", "trusted", "veteran"];
pub(crate) const REVIEWERS: &[&str] = &["self", "peer", "department_head", "csuite", "owner"];
pub(crate) const ROUTING: &[&str] = &["strict_hierarchy", "open_cc_manager", "open", "custom"];
pub(crate) const CADENCE: &[&str] = &["weekly", "biweekly", "monthly", "quarterly"];
/// Kinds of actions that reach the outside.
pub(crate) const ACTIONS: &[&str] = &[
    "social_media",
    "customer_email",
    "marketing_email",
    "code_deployment",
    "financial_transaction",
    "public_content",
    "internal_tool_change",
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

/// Whether a name may be a model's at any provider (`qwen2.5-coder:7b`, `openai/gpt-5`). Programs get it as an argument:
/// it must not read as an option.
pub fn is_any_model(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+[]".contains(c))
}

/// Whether a name is that of an engine that works: any but practice, which only plays.
pub(crate) fn is_engine(name: &str) -> bool {
    let is_slug = |agent: &str| {
        agent.len() <= 40 && agent.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    engine_from_name(name).is_some_and(|(kind, agent)| kind != EngineKind::Practice && is_slug(agent))
}

/// The names of the engines that work, as a message lists them.
pub(crate) fn engine_names() -> Vec<&'static str> {
    let others = |kind: &EngineKind| !matches!(kind, EngineKind::Practice | EngineKind::Acp);
    EngineKind::ALL.into_iter().filter(others).map(EngineKind::name).chain(["acp:AGENT"]).collect()
}

/// Whether a name is a role's: lower-case letters, digits, hyphens and underscores, a letter first.
pub(crate) fn is_role(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

impl Check {
    /// Whether what is there is made of keys, and not a value.
    pub fn is_section(self) -> bool {
        matches!(self, Section | Mapping | KeysOf(_))
    }

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
            MaybeSwitch => "true, false or null".to_owned(),
            EngineName(also) => words(&[engine_names(), also.to_vec()].concat()),
            AnyModel => "a model's name, such as gpt-5 or qwen2.5-coder:7b".to_owned(),
            NonNegative => "a number from 0 up".to_owned(),
            AtLeast(low) => format!("a number from {low} up"),
            Whole => "a whole number from 0 up".to_owned(),
            Between(low, high) => format!("a number from {low} to {high}"),
            WholeBetween(low, high) => format!("a whole number from {low} to {high}"),
            KeysOf(names) => format!("a mapping with keys of {}", words(names)),
            Mapping => "a mapping of keys to values".to_owned(),
            OneOf(names) | Engine(names) | Word(names) => words(names),
            Model => "opus, sonnet, haiku or a full Claude model id such as claude-opus-4-6".to_owned(),
            Slug => "a word of lower-case letters, digits and hyphens that begins with a letter".to_owned(),
            Prefix => "a word of lower-case letters, digits and hyphens".to_owned(),
            List => "a list".to_owned(),
            Texts | Names => "a list of texts".to_owned(),
            Secret => "a text".to_owned(),
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
        for name in ["gpt-5", "qwen2.5-coder:7b", "meta-llama/llama-4", "o4-mini", "claude-opus-4-6[1m]"] {
            assert!(is_any_model(name), "{name}");
        }
        let long = "x".repeat(201);
        for name in ["", "--yolo", "a b", "a\nb", "$(x)", &long] {
            assert!(!is_any_model(name), "{name}");
        }
        for name in ["gpt-4", "llama", "claude-", "Claude-opus", "claude-opus 4", "", "claude-x\n"] {
            assert!(!is_model(name), "{name}");
        }
    }
}
