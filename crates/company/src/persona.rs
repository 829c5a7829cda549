//! Personas: how agents write and weigh things. A preset for the company, and what single agents have of their own.

use serde_json::Value;

pub use crate::config::PRESETS;

/// Parts of a background that a prompt names, at most.
const MAX_PARTS: usize = 12;

/// The text of a preset; empty for one that there is not (E022).
pub fn text(preset: &str) -> &'static str {
    match preset {
        "professional" => include_str!("../assets/personas/professional.md"),
        "startup" => include_str!("../assets/personas/startup.md"),
        "technical" => include_str!("../assets/personas/technical.md"),
        "creative" => include_str!("../assets/personas/creative.md"),
        _ => "",
    }
}

/// What an agent is told of how it writes: its preset, then the traits and the background that
/// `persona.agents.ROLE` gives it.
pub fn words(preset: &str, own: &Value) -> String {
    let mut parts = vec![text(preset).trim().to_owned()];
    let traits: Vec<&str> = traits(&own["traits"]);
    if !traits.is_empty() {
        parts.push(format!("You yourself: {}", traits.join(" ")));
    }
    parts.extend(background(&own["background"]));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn traits(given: &Value) -> Vec<&'static str> {
    let word = |key: &str| given[key].as_str().unwrap_or_default();
    let degree = |key: &str, low, high| match given[key].as_f64() {
        Some(degree) if degree <= 2.0 => low,
        Some(degree) if degree >= 4.0 => high,
        _ => "",
    };
    let all = [
        match word("communication_style") {
            "direct" => "You say the point first and plainly.",
            "diplomatic" => "You name what is good before what is not, and leave others room.",
            "analytical" => "You take a question apart and show each step.",
            "creative" => "You explain by examples and pictures.",
            _ => "",
        },
        match word("decision_making") {
            "data-driven" => "You decide by figures, and say which ones would change your mind.",
            "intuitive" => "You trust experience where figures are missing, and say that you do.",
            "collaborative" => "You hear those concerned before you decide.",
            _ => "",
        },
        match word("risk_tolerance") {
            "conservative" => "You prefer the safe way, and what can be undone.",
            "moderate" => "You take a risk where its price is known.",
            "aggressive" => "You take large steps, and name what they may cost.",
            _ => "",
        },
        match word("conflict_approach") {
            "confrontational" => "You raise a disagreement at once, in the open.",
            "collaborative" => "You look for the answer that serves both sides.",
            "avoidant" => "You let small disagreements rest and raise only those that matter.",
            _ => "",
        },
        degree(
            "assertiveness",
            "You offer your view and leave the choice to others.",
            "You stand by your view until an argument beats it.",
        ),
        degree("creativity", "You stay with what is proven.", "You look for ways that nobody has tried."),
    ];
    all.into_iter().filter(|words| !words.is_empty()).collect()
}

fn background(given: &Value) -> Option<String> {
    let list = |key: &str| {
        let items = given[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        items.map(|item| contract::one_line(item, 120)).take(MAX_PARTS).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    if let Some(years) = given["years_experience"].as_f64().filter(|years| *years > 0.0) {
        text.push_str(&format!(" You have done this for {years} years."));
    }
    let fields = list("industry_experience");
    if !fields.is_empty() {
        text.push_str(&format!(" You know these industries from the inside: {fields}."));
    }
    let knowledge = list("specialized_knowledge");
    if !knowledge.is_empty() {
        text.push_str(&format!(" You know more than most about: {knowledge}."));
    }
    if let Some(history) = given["work_history"].as_str().filter(|history| !history.trim().is_empty()) {
        text.push_str(&format!(" Your way here: {}", contract::one_line(history, 1000)));
    }
    (!text.is_empty()).then(|| format!("Your background:{text}"))
}

/// What an agent's text lacks of the parts that every persona has: a title and three sections.
pub fn missing_sections(body: &str) -> Vec<&'static str> {
    let is_title =
        |line: &str| line.strip_prefix("# ").is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace()));
    let mut missing = Vec::new();
    if !body.split(['\n', '\r']).any(is_title) {
        missing.push("# Title");
    }
    missing.extend(
        ["## Your Role", "## Decision Authority", "## Working Style"].iter().filter(|part| !body.contains(**part)),
    );
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_preset_has_a_text_of_its_own() {
        for preset in PRESETS {
            assert!((500..2500).contains(&text(preset).len()), "{preset}");
        }
        assert_eq!(text("grumpy"), "", "E022");
    }

    #[test]
    fn traits_and_background_are_said_after_the_preset() {
        let own = json!({
            "traits": {"communication_style": "direct", "assertiveness": 5, "creativity": 3},
            "background": {"years_experience": 12, "industry_experience": ["health", 5], "work_history": "a\nb"},
        });
        let words = words("technical", &own);
        assert!(words.starts_with(text("technical").trim()));
        assert!(words.contains("You yourself: You say the point first and plainly. You stand by your view"), "{words}");
        assert!(words.ends_with("inside: health. Your way here: a b"), "{words}");
    }
}
