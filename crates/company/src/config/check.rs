//! Holding a config against the rules: every fault at once.

use contract::ConfigFault;
use serde_json::Value;

use super::rules::{AUTONOMY, Check, PRESETS, RULE_MODES, is_any_model, is_engine, is_model, is_role};
use super::{defaults, known};
use crate::modules;
use crate::yaml::{Kind, Node, Unreadable, short};

/// Faults reported, at most: a page of them is enough to begin with.
const MAX_FAULTS: usize = 100;

/// A fault, and whether the company opens all the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub line: Option<usize>,
    pub key: String,
    pub message: String,
    pub opens: bool,
}

impl Fault {
    pub fn to_contract(&self) -> ConfigFault {
        ConfigFault {
            line: self.line.and_then(|line| i64::try_from(line).ok()),
            key: contract::one_line(&self.key, 200),
            message: contract::one_line(&self.message, 600),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Fault {
        Fault {
            line: Some(error.line),
            key: String::new(),
            message: format!("Column {}: {}", error.column, error.message),
            opens: false,
        }
    }
}

/// Every fault of a tree, in the order of the file.
pub(super) fn faults(root: Option<&Node>) -> Vec<Fault> {
    let mut found = Vec::new();
    match root {
        None => found.push(Fault {
            line: Some(1),
            key: String::new(),
            message: "The file holds nothing; expected at least the sections company and agents.".to_owned(),
            opens: false,
        }),
        Some(root) if !matches!(root.kind, Kind::Map(_)) => found.push(Fault {
            line: Some(root.line),
            key: String::new(),
            message: "Expected sections with keys, as in \"company:\" and \"  name: Acme\" below it.".to_owned(),
            opens: false,
        }),
        Some(root) => {
            for rule in modules::rules() {
                let path: Vec<&str> = rule.path.split('.').collect();
                visit(root, &path, String::new(), rule.check, rule.required, &mut found);
            }
            by_default_types(root, &mut found);
        }
    }
    found.sort_by_key(|fault| fault.line);
    found.truncate(MAX_FAULTS);
    found
}

fn visit(node: &Node, path: &[&str], at: String, check: Check, required: bool, found: &mut Vec<Fault>) {
    if found.len() > MAX_FAULTS {
        return;
    }
    let Some((first, rest)) = path.split_first() else {
        return hold(node, &at, check, found);
    };
    let key = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    if *first == "*" {
        for entry in node.entries() {
            visit(&entry.value, rest, key(&entry.key), check, required, found);
        }
        return;
    }
    let (name, items) = first.strip_suffix("[]").map_or((*first, false), |name| (name, true));
    match node.get(name) {
        Some(value) if items => {
            if let Kind::List(list) = &value.kind {
                for (index, item) in list.iter().enumerate() {
                    visit(item, rest, format!("{}[{index}]", key(name)), check, required, found);
                }
            }
        }
        Some(value) => {
            let missing = rest.is_empty() && required && value.is_null();
            if missing {
                lacking(value, key(name), check, found)
            } else {
                visit(value, rest, key(name), check, required, found)
            }
        }
        None if rest.is_empty() && required && matches!(node.kind, Kind::Map(_)) => {
            lacking(node, key(name), check, found);
        }
        None => {}
    }
}

fn lacking(near: &Node, key: String, check: Check, found: &mut Vec<Fault>) {
    let message = format!("{key} is missing; expected {}.", check.expected());
    found.push(Fault { line: Some(near.line), key, message, opens: false });
}

fn hold(node: &Node, key: &str, check: Check, found: &mut Vec<Fault>) {
    let fault = |message: String| Fault { line: Some(node.line), key: key.to_owned(), message, opens: false };
    match check {
        Check::Workers => workers(node, key, found),
        Check::KeysOf(names) if matches!(node.kind, Kind::Map(_)) => {
            for entry in node.entries().iter().filter(|entry| !names.contains(&entry.key.as_str())) {
                let message = format!("{key} must be {}; \"{}\" is none of them.", check.expected(), short(&entry.key));
                let key = format!("{key}.{}", entry.key);
                found.push(Fault { line: Some(entry.key_line), key, message, opens: false });
            }
        }
        Check::ListOf(words) => match &node.kind {
            Kind::List(items) => {
                let strange = items.iter().find(|item| !item.text().is_some_and(|text| words.contains(&text)));
                if let Some(item) = strange {
                    found.push(Fault {
                        line: Some(item.line),
                        ..fault(format!("{key} must be {}; {} is none of them.", check.expected(), shown(item)))
                    });
                }
            }
            _ => found.push(fault(format!("{key} must be {}.", check.expected()))),
        },
        _ if holds(node, check) => {}
        Check::Secret => found.push(fault(format!("{key} must be {}.", check.expected()))),
        Check::Engine(_) | Check::EngineName(_) => found.push(Fault {
            opens: node.text().is_some(),
            ..fault(format!("{key} must be {}; {} is none of them.", check.expected(), shown(node)))
        }),
        _ => found.push(fault(format!("{key} must be {}, not {}.", check.expected(), shown(node)))),
    }
}

fn holds(node: &Node, check: Check) -> bool {
    let word = |words: &[&str]| node.text().is_some_and(|text| words.contains(&text));
    let number = node.number().filter(|number| number.is_finite());
    match check {
        Check::Section => matches!(node.kind, Kind::Map(_) | Kind::Null),
        Check::Text => node.text().is_some_and(|text| !text.trim().is_empty()),
        Check::AnyText | Check::Secret => node.text().is_some(),
        Check::Switch => node.boolean().is_some(),
        Check::MaybeSwitch => node.is_null() || node.boolean().is_some(),
        Check::EngineName(also) => node.is_null() || word(also) || node.text().is_some_and(is_engine),
        Check::AnyModel => node.is_null() || node.text().is_some_and(is_any_model),
        Check::NonNegative => number.is_some_and(|number| number >= 0.0),
        Check::AtLeast(low) => number.is_some_and(|number| number >= low),
        Check::Whole => number.is_some_and(|number| number >= 0.0 && number.fract() == 0.0),
        Check::Between(low, high) => number.is_some_and(|number| (low..=high).contains(&number)),
        Check::WholeBetween(low, high) => {
            // "3" is as good as 3 here: the original takes both.
            let number = number.or_else(|| node.text()?.trim().parse().ok());
            number.is_some_and(|number| number.fract() == 0.0 && (low as f64..=high as f64).contains(&number))
        }
        Check::Mapping | Check::KeysOf(_) => matches!(node.kind, Kind::Map(_)),
        Check::Word(words) => word(words),
        Check::OneOf(words) | Check::Engine(words) => node.is_null() || word(words),
        Check::Model => node.is_null() || node.text().is_some_and(is_model),
        Check::Slug => node
            .text()
            .is_some_and(|text| text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_slug_byte)),
        Check::Prefix => node.text().is_some_and(|text| !text.is_empty() && text.bytes().all(is_slug_byte)),
        Check::List => matches!(node.kind, Kind::List(_)),
        Check::Texts => match &node.kind {
            Kind::List(items) => items.iter().all(|item| item.text().is_some()),
            _ => false,
        },
        Check::Names => match &node.kind {
            Kind::List(items) => items.iter().all(|item| item.text().is_some()),
            Kind::Null | Kind::Text(_) => true,
            _ => false,
        },
        Check::Clock => node.is_null() || node.text().is_some_and(is_clock),
        Check::RuleMode => word(RULE_MODES),
        Check::Workers | Check::ListOf(_) | Check::Free => true,
    }
}

fn is_slug_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
}

fn is_clock(text: &str) -> bool {
    let Some((hours, minutes)) = text.split_once(':') else { return false };
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    two_digits(hours)
        && two_digits(minutes)
        && hours.parse::<u8>().is_ok_and(|hours| hours < 24)
        && minutes.parse::<u8>().is_ok_and(|minutes| minutes < 60)
}

/// A value as a message names it.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(number) => number.to_string(),
        Kind::Text(text) => format!("\"{}\"", short(text)),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
    }
}

/// What may be said of a worker.
const OF_WORKERS: [(&str, Check); 10] = [
    ("model", Check::Model),
    ("engine", Check::EngineName(&[])),
    ("engine_model", Check::AnyModel),
    ("enabled", Check::Switch),
    ("mcp_servers", Check::Texts),
    ("display_name", Check::AnyText),
    ("persona", Check::OneOf(PRESETS)),
    ("skills", Check::Names),
    ("autonomy", Check::OneOf(AUTONOMY)),
    ("cost_limit_daily", Check::NonNegative),
];

/// A head's workers: roles, or roles with settings.
fn workers(node: &Node, key: &str, found: &mut Vec<Fault>) {
    let Kind::List(items) = &node.kind else {
        if !node.is_null() {
            hold(node, key, Check::List, found);
        }
        return;
    };
    for item in items {
        match &item.kind {
            Kind::Text(role) if is_role(role) => {}
            Kind::Map(entries) => {
                for entry in entries {
                    let key = format!("{key}.{}", entry.key);
                    for (name, check) in OF_WORKERS {
                        visit(&entry.value, &[name], key.clone(), check, false, found);
                    }
                    if !matches!(entry.value.kind, Kind::Map(_) | Kind::Null) {
                        hold(&entry.value, &key, Check::Section, found);
                    }
                }
            }
            _ => found.push(Fault {
                line: Some(item.line),
                key: key.to_owned(),
                message: format!("{key} must be {}; {} is neither.", Check::Workers.expected(), shown(item)),
                opens: false,
            }),
        }
    }
}

/// Sections that have defaults: mappings, and each key of its default's type where no rule says more.
fn by_default_types(root: &Node, found: &mut Vec<Fault>) {
    let Value::Object(sections) = defaults() else { return };
    for (section, fields) in sections {
        let Some(node) = root.get(section) else { continue };
        if known::rule(&[section]).is_none() {
            hold(node, section, Check::Section, found);
        }
        for entry in node.entries() {
            if known::rule(&[section, &entry.key]).is_some() {
                continue;
            }
            let check = match fields.get(&entry.key) {
                Some(Value::Bool(_)) => Check::Switch,
                Some(Value::Number(_)) => Check::NonNegative,
                Some(Value::String(_)) => Check::AnyText,
                Some(Value::Array(_)) => Check::List,
                Some(Value::Object(_)) => Check::Section,
                Some(Value::Null) | None => Check::Free,
            };
            hold(&entry.value, &format!("{section}.{}", entry.key), check, found);
        }
    }
}
