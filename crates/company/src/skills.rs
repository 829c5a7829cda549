//! Skills: know-how that agents carry in their prompt. A library of our own, and what a company adds to it.

use serde_json::Value;

/// Skills that a prompt takes from one company, at most.
const MAX_SKILLS: usize = 30;
/// Bytes of a company's own skill text that go into a prompt.
const MAX_TEXT: usize = 4 * 1024;

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its name in files (`code_review`).
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// How it is done, in Markdown.
    pub text: String,
    /// The tools that it is done with, as agent files name them.
    pub tools: Vec<String>,
}

impl Skill {
    /// Its name for people ("Code Review").
    pub fn title(&self) -> String {
        match self.name.as_str() {
            "api_development" => "API Development".to_owned(),
            "seo_optimization" => "SEO Optimization".to_owned(),
            name => contract::role_name(name),
        }
    }
}

struct BuiltIn {
    name: &'static str,
    about: &'static str,
    text: &'static str,
    tools: &'static [&'static str],
}

macro_rules! skill {
    ($name:literal, $about:literal, $tools:expr) => {
        BuiltIn {
            name: $name,
            about: $about,
            text: include_str!(concat!("../assets/skills/", $name, ".md")),
            tools: &$tools,
        }
    };
}

/// The library.
const LIBRARY: [BuiltIn; 14] = [
    skill!("code_review", "Finding in somebody's change what would hurt later", ["Read", "Grep", "Glob"]),
    skill!("architecture_design", "Choosing a structure that will carry the load", ["Read", "Write", "Glob", "Grep"]),
    skill!("api_development", "Building interfaces that others can rely on", ["Read", "Write", "Edit", "Bash"]),
    skill!("frontend_development", "Building screens that people understand", ["Read", "Write", "Edit", "Bash"]),
    skill!("testing", "Showing that something works, and keeping it so", ["Read", "Write", "Edit", "Bash"]),
    skill!(
        "financial_modeling",
        "Turning assumptions into figures that one can argue with",
        ["Read", "Write", "WebSearch"]
    ),
    skill!("market_analysis", "Saying who buys, from whom, and why", ["Read", "Write", "WebSearch", "WebFetch"]),
    skill!("budget_tracking", "Holding what is spent against what was planned", ["Read", "Write"]),
    skill!("content_strategy", "Deciding what to publish, for whom, and to what end", ["Read", "Write", "WebSearch"]),
    skill!("copywriting", "Writing words that make people act", ["Read", "Write", "Edit"]),
    skill!(
        "seo_optimization",
        "Making pages that are found by those who look for them",
        ["Read", "Write", "Edit", "WebSearch"]
    ),
    skill!("project_planning", "Cutting a goal into work that can be done", ["Read", "Write", "TodoWrite"]),
    skill!("stakeholder_reporting", "Telling people who decide what they need to decide", ["Read", "Write"]),
    skill!("research", "Finding out, and saying how sure one is", ["WebSearch", "WebFetch", "Read", "Write"]),
];

/// Names of the library's skills.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|skill| skill.name)
}

/// The skills of a role whose file does not say.
pub fn defaults(role: &str) -> &'static [&'static str] {
    match role {
        "ceo" => &["project_planning", "stakeholder_reporting"],
        "cto" => &["architecture_design", "code_review", "project_planning"],
        "cfo" => &["financial_modeling", "market_analysis", "budget_tracking"],
        "cmo" => &["content_strategy", "copywriting", "market_analysis"],
        "backend-engineer" => &["api_development", "code_review", "testing"],
        "frontend-engineer" => &["frontend_development", "code_review", "testing"],
        "financial-analyst" => &["financial_modeling", "market_analysis", "research"],
        "content-writer" => &["copywriting", "seo_optimization", "research"],
        _ => &[],
    }
}

/// The names that hold for a role: those of its file (an empty list means none, E071), else the role's defaults;
/// then what the config's `skills` section adds and takes away.
pub fn effective(role: &str, file: Option<&[String]>, section: &Value) -> Vec<String> {
    let mut names: Vec<String> = match file {
        Some(names) => names.to_vec(),
        None => defaults(role).iter().map(|name| (*name).to_owned()).collect(),
    };
    let own = &section["overrides"][role];
    for name in texts(&own["add"]) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let gone: Vec<&str> = texts(&own["remove"]).collect();
    names.retain(|name| !gone.contains(&name.as_str()));
    names
}

/// The skills of those names: the library's, else those of the config's `skills.custom`. Names that nobody knows are
/// in the second list (E070).
pub fn resolve(names: &[String], section: &Value) -> (Vec<Skill>, Vec<String>) {
    let mut found: Vec<Skill> = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match find(name, section) {
            Some(skill) if found.len() < MAX_SKILLS => found.push(skill),
            Some(_) => {}
            None => unknown.push(name.clone()),
        }
    }
    (found, unknown)
}

fn find(name: &str, section: &Value) -> Option<Skill> {
    if let Some(skill) = LIBRARY.iter().find(|skill| skill.name == name) {
        return Some(Skill {
            name: name.to_owned(),
            about: skill.about.to_owned(),
            text: skill.text.trim().to_owned(),
            tools: skill.tools.iter().map(|tool| (*tool).to_owned()).collect(),
        });
    }
    let own = section["custom"].get(name).filter(|own| own.is_object())?;
    Some(Skill {
        name: name.to_owned(),
        about: contract::one_line(own["description"].as_str().unwrap_or_default(), 200),
        text: contract::clip(own["prompt_template"].as_str().unwrap_or_default().trim(), MAX_TEXT).into_owned(),
        tools: texts(&own["required_tools"]).map(str::to_owned).collect(),
    })
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_default_is_in_the_library_and_every_text_has_substance() {
        let roles = ["ceo", "cto", "cfo", "cmo", "backend-engineer", "frontend-engineer", "financial-analyst"];
        for role in roles.into_iter().chain(["content-writer"]) {
            assert!(!defaults(role).is_empty(), "{role}");
            assert!(defaults(role).iter().all(|name| names().any(|known| known == *name)), "{role}");
        }
        for skill in &LIBRARY {
            assert!((400..1800).contains(&skill.text.len()), "{}: {} bytes", skill.name, skill.text.len());
            assert!(skill.text.lines().all(|line| line.chars().count() <= 120), "{}", skill.name);
        }
    }

    #[test]
    fn a_company_adds_and_takes_away() {
        let section = json!({"overrides": {"cto": {"add": ["mine", "testing", "testing"], "remove": ["code_review"]}},
            "custom": {"mine": {"description": "d", "prompt_template": " p "}}});
        let names = effective("cto", None, &section);
        assert_eq!(names, ["architecture_design", "project_planning", "mine", "testing"]);
        let (found, unknown) = resolve(&names, &section);
        assert_eq!((found.len(), unknown.len(), found[2].text.as_str()), (4, 0, "p"));
        assert_eq!(found[2].title(), "Mine");
    }

    #[test]
    fn e071_an_empty_list_means_none() {
        assert!(effective("cto", Some(&[]), &Value::Null).is_empty());
    }

    #[test]
    fn e070_an_unknown_skill_is_named_and_the_others_hold() {
        let (found, unknown) = resolve(&["nonsense".to_owned(), "testing".to_owned()], &Value::Null);
        assert_eq!((found.len(), unknown), (1, vec!["nonsense".to_owned()]));
    }
}
