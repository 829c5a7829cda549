//! The config as its readers see it: defaults, faults with lines, single values.
#![allow(clippy::unwrap_used)] // helpers of tests count as code

use company::config;
use contract::ErrorCode;
use serde_json::{Value, json};

const SMALL: &str = "company:\n  name: Acme\n  template: saas-startup\nagents:\n  ceo:\n    enabled: true\n";

fn faults(text: &str) -> Vec<(Option<i64>, String)> {
    config::validate(text).0.into_iter().map(|fault| (fault.line, fault.key)).collect()
}

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let text = "company:\n  name: ''\n  template: saas-startup\nagents:\n  ceo:\n    enabled: maybe\n    model: gpt-4\n    \
                workers: be\nsettings:\n  cost_limit_daily: -1\n  cost_limit_monthly: \"500\"\ntools:\n  commands: 1\n";
    let found = faults(text);
    let expected = [
        (2, "company.name"),
        (6, "agents.ceo.enabled"),
        (7, "agents.ceo.model"),
        (8, "agents.ceo.workers"),
        (10, "settings.cost_limit_daily"),
        (11, "settings.cost_limit_monthly"),
        (13, "tools.commands"),
    ];
    assert_eq!(found, expected.map(|(line, key)| (Some(line), key.to_owned())));
    let messages: Vec<String> = config::validate(text).0.into_iter().map(|fault| fault.message).collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    company.name must be a text that is not empty, not "".
    agents.ceo.enabled must be true or false, not "maybe".
    agents.ceo.model must be opus, sonnet, haiku or a full Claude model id such as claude-opus-4-6, not "gpt-4".
    agents.ceo.workers must be a list, not "be".
    settings.cost_limit_daily must be a number from 0 up, not -1.
    settings.cost_limit_monthly must be a number from 0 up, not "500".
    tools.commands must be true, false or null, not 1.
    "#);
}

#[test]
fn e066_a_partial_section_lies_over_the_defaults() {
    let text = format!("{SMALL}autonomy:\n  default_level: guided\nsettings:\n  cost_limit_daily: 5\n");
    assert_eq!(
        config::get(&text, Some("autonomy")).unwrap(),
        json!({"enabled": true, "default_level": "guided", "overrides": {}})
    );
    assert_eq!(config::get(&text, Some("settings.cost_limit_daily")).unwrap(), 5);
    assert_eq!(config::get(&text, Some("settings.cost_limit_monthly")).unwrap(), 500);
    assert_eq!(config::get(&text, Some("tools.commands")).unwrap(), Value::Null);
    assert_eq!(config::get(&text, Some("agents.ceo.model")).unwrap(), Value::Null);
}

#[test]
fn without_a_key_there_is_what_is_read_and_what_the_file_has() {
    let text = format!("{SMALL}trust:\n  max_level: trusted\nmine:\n  a: 1\n");
    let all = config::get(&text, None).unwrap();
    let sections: Vec<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "agents",
        "autonomy",
        "company",
        "engine",
        "engines",
        "escalation",
        "knowledge",
        "mine",
        "persona",
        "settings",
        "skills",
        "tools",
        "trust",
    ];
    assert!(sections.len() == expected.len() && expected.iter().all(|name| sections.contains(name)), "{sections:?}");
    assert_eq!(config::get(&text, Some("slack.enabled")).unwrap(), false, "the others are there when asked for");
}

#[test]
fn what_nothing_reads_yet_is_kept_with_a_word_about_it() {
    let set = |key: &str, value: &str| {
        let text = config::set(SMALL, key, value).unwrap();
        let told = config::warnings_of(&text, key);
        let (faults, warnings) = config::validate(&text);
        assert_eq!((faults.len(), told.len(), warnings.len()), (0, 1, 1), "{key}: {told:?} {warnings:?}");
        assert!(warnings[0].ends_with(&told[0]) && warnings[0].starts_with("Line "), "{warnings:?}");
        told.concat()
    };
    let unused = |what: &str| format!("AICIB does not use `{what}` yet; it is kept for when it does.");
    assert_eq!(set("slack.enabled", "true"), unused("slack"));
    assert_eq!(set("trust.overrides.cto.engineering", "veteran"), unused("trust"));
    assert_eq!(set("settings.auto_start_workers", "false"), unused("settings.auto_start_workers"));
    assert_eq!(set("knowledge.max_search_results", "5"), unused("knowledge.max_search_results"));
    assert_eq!(set("agents.ceo.check_in_interval", "30m"), unused("agents.ceo.check_in_interval"));
    assert_eq!(set("persona.agents.ceo.role_preset", "the-operator"), unused("persona.agents.ceo.role_preset"));
    for (key, value) in [
        ("engine.mode", "practice"),
        ("engine.mode", "claude-code"),
        ("engines.use", "acp:gemini"),
        ("engines.model", "qwen2.5-coder:7b"),
        ("engines.fallback", "codex"),
        ("agents.ceo.engine", "codex"),
        ("agents.ceo.engine_model", "gpt-5"),
        ("tools.commands", "null"),
        ("agents.ceo.model", "haiku"),
        ("agents.ceo.skills", "[research]"),
        ("agents.ceo.cost_limit_daily", "2.5"),
        ("persona.agents.ceo.traits.creativity", "3"),
        ("settings.escalation_threshold", "low"),
        ("settings.token_limit_daily", "1000000"),
        ("autonomy.default_level", "full"),
        ("escalation.max_retries", "1"),
        ("skills.enabled", "false"),
        ("engine.prices.opus.input", "7"),
        ("mine.a", "1"),
    ] {
        let text = config::set(SMALL, key, value).unwrap();
        assert_eq!((config::warnings_of(&text, key), config::validate(&text).1), (vec![], vec![]), "{key}");
    }
}

#[test]
fn a_workers_settings_are_reached_through_its_head() {
    let head = |workers: &str| format!("{SMALL}  cto:\n    workers:{workers}\n");
    let key = "agents.cto.workers.be.model";
    for (before, after) in [
        (
            "\n      - be:\n          model: opus # dear\n      - fe",
            "\n      - be:\n          model: haiku # dear\n      - fe",
        ),
        ("\n      - be: # first\n      - fe", "\n      - be: # first\n          model: haiku\n      - fe"),
        ("\n      - fe\n      - be # last", "\n      - fe\n      - be: {model: haiku} # last"),
        (" [fe, be]", " [fe, {be: {model: haiku}}]"),
        (" [{be: {enabled: true}}]", " [{be: {enabled: true, model: haiku}}]"),
    ] {
        let changed = config::set(&head(before), key, "haiku").unwrap();
        assert_eq!(changed, head(after));
        assert_eq!(config::get(&changed, Some(key)).unwrap(), "haiku");
        assert_eq!(config::validate(&changed).0, []);
    }
    let text = head(" [fe]");
    assert_eq!(config::get(&text, Some("agents.cto.workers.fe.model")).unwrap(), Value::Null);
    assert_eq!(config::set(&text, key, "haiku").unwrap_err().code, ErrorCode::CONFIG_KEY);
    assert_eq!(config::set(SMALL, key, "haiku").unwrap_err().code, ErrorCode::CONFIG_KEY);
    let error = config::set(&text, "agents.cto.workers.fe.model", "gpt-4").unwrap_err();
    assert_eq!(error.code, ErrorCode::CONFIG_INVALID);
    assert!(error.message.contains("haiku"), "{error}");
}

#[test]
fn e067_sections_that_nobody_knows_are_no_fault() {
    let text = format!("{SMALL}my_notes: {{a: 1}}\nother: 5\n");
    assert_eq!(faults(&text), []);
    assert_eq!(config::get(&text, Some("my_notes.a")).unwrap(), 1);
    let changed = config::set(&text, "settings.cost_limit_daily", "7").unwrap();
    assert!(changed.contains("my_notes: {a: 1}\nother: 5\n"), "{changed}");
}

#[test]
fn e078_a_section_has_to_be_a_mapping() {
    for section in ["skills: \"on\"", "slack: 5", "engine: practice", "tools: [1]", "settings: none", "hr: yes please"]
    {
        let found = config::validate(&format!("{SMALL}{section}\n")).0;
        let key = section.split(':').next().unwrap();
        assert_eq!(found.len(), 1, "{section}: {found:?}");
        assert_eq!((found[0].line, found[0].key.as_str()), (Some(7), key));
        assert!(found[0].message.contains("mapping"), "{}", found[0].message);
    }
    assert_eq!(faults(&format!("{SMALL}skills:\n")), [], "a section with nothing in it has its defaults");
}

#[test]
fn e079_lists_of_texts_hold_texts() {
    let text = format!("{SMALL}skills:\n  overrides:\n    cto:\n      add: [1]\n");
    assert_eq!(faults(&text), [(Some(10), "skills.overrides.cto.add".to_owned())]);
}

#[test]
fn what_does_not_parse_is_one_fault_with_its_place() {
    for (text, line, what) in [
        ("company:\n  name: [\n", 2, "not YAML"),
        ("company:\n\tname: x\n", 2, "not YAML"),
        ("company:\n  name: a\n  name: b\n", 3, "once"),
        ("just a text\n", 1, "sections"),
        ("", 1, "holds nothing"),
        ("a: 1\n---\nb: 1\n", 3, "one YAML document"),
    ] {
        let found = config::validate(text).0;
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        assert_eq!((found[0].line, found[0].key.as_str()), (Some(line), ""), "{text:?}: {found:?}");
        assert!(found[0].message.contains(what), "{text:?}: {found:?}");
    }
    let error = config::set("company: [\n", "company.name", "x").unwrap_err();
    assert_eq!(error.code, ErrorCode::CONFIG_INVALID);
    assert!(error.message.contains("line 1"), "{error}");
    let large = format!("# {}\n{SMALL}", "x".repeat(1024 * 1024));
    assert!(config::validate(&large).0[0].message.contains("bytes"));
}

#[test]
fn a_value_is_set_and_nothing_else() {
    let text = "# Ours\ncompany: # who\n  name: 'Acme'   # the name\n  template: saas-startup\n\nagents: {ceo: {enabled: true}}\n";
    let set = |key: &str, value: &str| config::set(text, key, value).unwrap();
    assert_eq!(set("company.name", "Beta & Söhne"), text.replace("'Acme'", "Beta & Söhne"));
    assert_eq!(set("company.name", "2024"), text.replace("'Acme'", "\"2024\""), "a name stays a text");
    assert_eq!(set("agents.cto.model", "haiku"), text.replace("true}}", "true}, cto: {model: haiku}}"));
    assert_eq!(set("settings.cost_limit_daily", "0"), format!("{text}\nsettings:\n  cost_limit_daily: 0\n"));
    assert_eq!(set("notes.by", "me"), format!("{text}\nnotes:\n  by: me\n"));
    assert_eq!(set("engine.mode", "practice"), format!("{text}\nengine:\n  mode: practice\n"));
}

#[test]
fn a_value_that_does_not_hold_is_refused_and_named() {
    for (key, value) in [
        ("settings.cost_limit_daily", "-1"),
        ("settings.cost_limit_daily", "lots"),
        ("settings.cost_limit_daily", ".nan"),
        ("agents.ceo.model", "gpt-4"),
        ("engine.mode", "openai"),
        ("engines.use", "acp"),
        ("engines.use", "acp:../x"),
        ("engines.model", "--yolo"),
        ("engines.fallback", "practice"),
        ("agents.ceo.engine", "practice"),
        ("agents.ceo.engine_model", "[gpt-5]"),
        ("tools.commands", "sometimes"),
        ("company.name", ""),
    ] {
        let error = config::set(SMALL, key, value).unwrap_err();
        assert_eq!(error.code, ErrorCode::CONFIG_INVALID, "{key}={value}");
        assert!(error.message.starts_with(&format!("{key} must be ")), "{error}");
        assert!(!error.to_string().contains("line"), "it is about the value, not about the file: {error}");
        assert_eq!(error.data.unwrap()["key"], key);
    }
}

#[test]
fn one_fault_can_be_mended_while_another_is_there() {
    let text = format!("{SMALL}settings:\n  cost_limit_daily: x\n  cost_limit_monthly: y\n");
    let text = config::set(&text, "settings.cost_limit_daily", "5").unwrap();
    let text = config::set(&text, "settings.cost_limit_monthly", "50").unwrap();
    assert_eq!(faults(&text), []);
}

#[test]
fn keys_that_there_are_not_are_refused_with_a_hint() {
    for (key, hint) in [
        ("cost_limit_daily", "settings.cost_limit_daily"),
        ("settings.cost_limit_dayly", "settings.cost_limit_daily"),
        ("setings.cost_limit_daily", "settings"),
        ("settings", ""),
        ("settings.cost_limit_daily.more", ""),
        ("engine.base_url", ""),
        ("engines.base_url", ""),
        ("engines.program", ""),
        ("agents.ceo.engine_program", ""),
        ("settings.practice_pace", "aicib settings set practice_pace"),
        ("theme", "aicib settings set theme"),
        ("tools.shell", ""),
        ("", ""),
        ("a..b", ""),
        ("notes.a b", ""),
    ] {
        let error = config::set(SMALL, key, "1").unwrap_err();
        assert_eq!(error.code, ErrorCode::CONFIG_KEY, "{key}: {error}");
        assert!(error.fix.contains(hint), "{key}: {error}");
    }
    assert_eq!(config::get(SMALL, Some("company.nmae")).unwrap_err().fix, "Did you mean company.name?");
}

#[test]
fn a_folder_never_brings_a_key_or_an_address() {
    let text = format!("{SMALL}engine:\n  mode: claude-api\n  api_key: sk-ant-planted\n  base_url: http://evil\n");
    let (found, warnings) = config::validate(&text);
    assert_eq!(found, []);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(!config::get(&text, None).unwrap().to_string().contains("planted"));
    assert_eq!(config::get(&text, Some("engine.api_key")).unwrap(), "(hidden)");
    let error = config::set(SMALL, "engine.api_key", "sk-ant-planted").unwrap_err();
    assert!(error.fix.contains("aicib key set") && !error.to_string().contains("planted"), "{error}");
}

#[test]
fn a_slip_of_the_hand_is_a_warning() {
    let (found, warnings) = config::validate(&format!("{SMALL}settings:\n  cost_limit_dayly: 5\nsetings: {{}}\n"));
    assert_eq!(found, []);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("settings.cost_limit_daily"), "{warnings:?}");
}

#[test]
fn a_hostile_config_costs_little() {
    let long = "k".repeat(200_000);
    let many: String = (0..40_000).map(|n| format!("  k{n}: [1]\n")).collect();
    let begin = std::time::Instant::now();
    for text in [
        format!("{SMALL}settings:\n{many}"),
        format!("{SMALL}settings:\n  ? {long}\n  : 1\n"),
        format!("{SMALL}? {long}\n: 1\n"),
        format!("{SMALL}persona:\n  overrides:\n{many}"),
    ] {
        let (faults, warnings) = config::validate(&text);
        assert!(faults.len() <= 100 && warnings.len() <= 400, "{} {}", faults.len(), warnings.len());
        assert!(faults.iter().all(|fault| fault.key.len() + fault.message.len() < 4_000));
        assert!(warnings.iter().all(|warning| warning.len() < 4_000));
    }
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

proptest::proptest! {
    #[test]
    fn any_text_is_set_and_read_back(name in "\\PC{1,60}", about in "[ -~\n\té\u{2028}\u{85}]{0,80}") {
        let text = format!("# top\r\n{}# end", SMALL.replace('\n', "\r\n"));
        for (key, value) in [("company.about", &about), ("notes.mine", &name)] {
            let changed = config::set(&text, key, value).unwrap();
            let read = config::get(&changed, Some(key)).unwrap();
            if key == "company.about" {
                let unquoted = config::get(&format!("x: {}", value.trim()), Some("x")).ok();
                proptest::prop_assert!(read == *value || read == value.trim() || Some(read) == unquoted, "{changed}");
            }
            let kept: Vec<&str> = changed.split('\n').collect();
            proptest::prop_assert!(text.split('\n').all(|line| kept.iter().any(|other| other.trim_end() == line.trim_end())));
        }
    }
}
