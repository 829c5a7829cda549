//! People as files and config make them together: an original company's folder, agents that come and go, what changes
//! in the config, what they are told.
#![allow(clippy::unwrap_used)] // helpers of tests count as code

use std::fs;
use std::path::{Path, PathBuf};

use company::autonomy::{Category, Verdict};
use company::prompt::{self, PromptOptions};
use company::{
    AGENTS_DIR, CONFIG_FILE, Changes, Company, Create, NewAgent, add_agent, create, load, remove_agent, set_agent,
};
use contract::{EntryId, ErrorCode, JobId, JournalEntry, Money, SessionId, Time};

/// A copy of a folder as the original's users have it.
fn original() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/original");
    copy(&from, temp.path());
    let dir = temp.path().to_owned();
    (temp, dir)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
        }
    }
}

fn founded(structure: &str) -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("acme");
    let spec = Create {
        name: "Acme".to_owned(),
        dir: dir.clone(),
        structure: Some(structure.to_owned()),
        ..Create::default()
    };
    create(&spec).unwrap();
    (temp, dir)
}

fn config(dir: &Path) -> String {
    fs::read_to_string(dir.join(CONFIG_FILE)).unwrap()
}

fn told(company: &Company, role: &str) -> String {
    prompt::system(company, company.agent(role).unwrap(), &PromptOptions::default())
}

/// Adds a section to the config of a folder that has none of it.
fn append(dir: &Path, section: &str) {
    fs::write(dir.join(CONFIG_FILE), format!("{}\n{section}", config(dir))).unwrap();
}

#[test]
fn a_folder_of_the_original_is_understood_as_a_whole() {
    let (_temp, dir) = original();
    let company = load(&dir).unwrap();
    assert_eq!((company.warnings.clone(), company.broken.len()), (Vec::<String>::new(), 0));
    assert_eq!(company::config::validate(&config(&dir)).0, []);
    let agent = |role: &str| company.agent(role).unwrap();
    assert_eq!((agent("ceo").name.as_str(), agent("ceo").persona.as_str()), ("Marit", "startup"));
    assert_eq!((agent("cmo").persona.as_str(), agent("cmo").model.as_str()), ("creative", "sonnet"));
    assert_eq!((agent("content-writer").model.as_str(), agent("cfo").enabled), ("haiku", false), "E007");
    assert_eq!(agent("ceo").tools, ["Read", "Write", "Delegate"], "E005");

    let level = |role: &str| agent(role).judgement.level.name();
    assert_eq!((level("cmo"), level("ceo")), ("autonomous", "guided"));
    assert_eq!(agent("cmo").judgement.of(Category::Spending), Verdict::Ask);
    assert_eq!(agent("cto").skills, ["code_review"], "E075");
    assert_eq!(agent("backend-engineer").skills, [""; 0], "E071");
    assert_eq!(agent("content-writer").skills, ["copywriting", "seo_optimization", "shop_window"]);

    let targets: Vec<String> = company.escalation("content-writer").into_iter().map(|link| link.target).collect();
    assert_eq!(targets, ["content-writer", "cmo", "human-founder"], "E076");
    let text = told(&company, "content-writer");
    for part in ["### Shop Window\n\nOne product, one light", "try once more", "Ask where a wrong guess"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let text = told(&company, "ceo");
    for part in ["You are Marit, Chief Executive Officer of Lighthouse Bread", "You yourself: You say the point first"]
    {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert_eq!(
        prompt::greeting(&company),
        "Hey, Marit, CEO of Lighthouse Bread here. 4 colleagues are with me. What are we shipping?"
    );
}

#[test]
fn changing_an_agent_changes_the_spans_that_say_so_and_no_other_byte() {
    let (_temp, dir) = original();
    let before = config(&dir);
    let changes = Changes {
        enabled: Some(true),
        model: Some("haiku".to_owned()),
        engine: None,
        name: Some("Ivo".to_owned()),
        persona: Some("technical".to_owned()),
        skills: Some(vec!["research".to_owned(), "shop_window".to_owned()]),
        autonomy: Some("full".to_owned()),
        limit: Money::dollars(2.5),
    };
    // Where the original's keys say it already, they change.
    let cmo = set_agent(&before, "cmo", &Changes { skills: None, enabled: None, ..changes.clone() }).unwrap();
    let expected = before
        .replace("        cmo: creative\n", "        cmo: technical\n")
        .replace("        cmo: {level: autonomous,", "        cmo: {level: full,")
        .replace("        model: sonnet\n        check_in_interval", "        model: haiku\n        check_in_interval")
        .replace(
            "                model: haiku      # cheap and good enough\n",
            "                model: haiku      # cheap and good enough\n        cost_limit_daily: 2.5\n",
        )
        .replace(
            "                industry_experience: [bakeries]\n",
            "                industry_experience: [bakeries]\n        cmo:\n          display_name: Ivo\n",
        );
    assert_eq!(cmo, expected);

    // A worker's place is where its head lists it.
    let worker = set_agent(&before, "backend-engineer", &changes).unwrap();
    assert_eq!(company::config::validate(&worker).0, []);
    fs::write(dir.join(CONFIG_FILE), &worker).unwrap();
    let company = load(&dir).unwrap();
    let agent = company.agent("backend-engineer").unwrap();
    assert_eq!((agent.model.as_str(), agent.name.as_str(), agent.persona.as_str()), ("haiku", "Ivo", "technical"));
    assert_eq!((agent.skills.len(), agent.judgement.level.name()), (2, "full"));
    assert_eq!((agent.daily_limit, agent.reports_to.as_deref()), (Money::dollars(2.5).unwrap(), Some("cto")));
    assert!(worker.contains("workers: [{backend-engineer: {model: haiku, enabled: true, "), "{worker}");

    // Taken back, the file and the company decide again.
    let back = Changes {
        persona: Some(String::new()),
        autonomy: Some(String::new()),
        name: Some(String::new()),
        ..Changes::default()
    };
    fs::write(dir.join(CONFIG_FILE), set_agent(&worker, "backend-engineer", &back).unwrap()).unwrap();
    let company = load(&dir).unwrap();
    let agent = company.agent("backend-engineer").unwrap();
    assert_eq!((agent.persona.as_str(), agent.judgement.level.name()), ("startup", "guided"));
    assert_eq!(agent.name, "Backend Engineer");
}

#[test]
fn a_change_that_does_not_hold_names_its_key_and_changes_nothing() {
    let text = config(&original().1);
    for (changes, key) in [
        (Changes { model: Some("gpt-4".to_owned()), ..Changes::default() }, "agents.cto.model"),
        (Changes { persona: Some("grumpy".to_owned()), ..Changes::default() }, "agents.cto.persona"),
        (Changes { engine: Some("acp".to_owned()), ..Changes::default() }, "agents.cto.engine"),
        (Changes { autonomy: Some("godlike".to_owned()), ..Changes::default() }, "agents.cto.autonomy"),
        (Changes { limit: Some(Money::nanos(-1)), ..Changes::default() }, "agents.cto.cost_limit_daily"),
    ] {
        let error = set_agent(&text, "cto", &changes).unwrap_err();
        assert!(error.code == ErrorCode::CONFIG_INVALID && error.message.contains(key), "{error}");
    }
    assert_eq!(set_agent(&text, "The Boss", &Changes::default()).unwrap_err().code, ErrorCode::AGENT_INVALID);
    assert_eq!(set_agent(&text, "cto", &Changes::default()).unwrap(), text);
    // Names of skills are texts, whatever they look like.
    let skills = Some(vec!["a, b".to_owned(), "null".to_owned(), "]".to_owned()]);
    let text = set_agent(&text, "cto", &Changes { skills, ..Changes::default() }).unwrap();
    let read = company::config::get(&text, Some("agents.cto.skills")).unwrap();
    assert_eq!(read, serde_json::json!(["a, b", "null", "]"]));
}

#[test]
fn an_agent_is_added_from_the_library_from_a_text_or_from_nothing() {
    let (_temp, dir) = founded("custom");
    let role = |role| NewAgent { role, ..NewAgent::default() };
    assert_eq!(add_agent(&dir, &role("cmo")).unwrap().title, "Chief Marketing Officer");
    let scientist = NewAgent { name: Some("Ada: \"A\""), reports_to: Some("cmo"), ..role("data-scientist") };
    let agent = add_agent(&dir, &scientist).unwrap();
    assert_eq!((agent.name.as_str(), agent.title.as_str()), ("Ada: \"A\"", "Data Scientist"));
    assert_eq!(company::persona::missing_sections(&agent.body), [""; 0]);
    let company = load(&dir).unwrap();
    assert_eq!(company.agent("data-scientist").unwrap().reports_to.as_deref(), Some("cmo"));
    assert_eq!(company.reports("ceo").len(), 1);

    let code = |new: &NewAgent<'_>| add_agent(&dir, new).unwrap_err().code;
    assert_eq!(code(&role("cmo")), ErrorCode::AGENT_EXISTS);
    assert_eq!(code(&role("../spy")), ErrorCode::AGENT_INVALID);
    assert_eq!(code(&NewAgent { text: Some("no frontmatter"), ..role("poet") }), ErrorCode::AGENT_INVALID);
    assert!(!dir.join(AGENTS_DIR).join("poet.md").exists());
}

#[test]
fn an_agent_that_is_removed_is_kept_aside_and_the_config_says_where_it_is_still_named() {
    let (_temp, dir) = original();
    let before = config(&dir);
    let text = fs::read_to_string(dir.join(AGENTS_DIR).join("content-writer.md")).unwrap();
    let removed = remove_agent(&dir, "content-writer", Time(1_700_000_000_000)).unwrap();
    assert_eq!(removed.file, dir.join(AGENTS_DIR).join(".removed/content-writer-20231114-221320.md"));
    assert_eq!(fs::read_to_string(&removed.file).unwrap(), text);
    assert_eq!(
        removed.named,
        [
            "skills.overrides.content-writer",
            "escalation.chain_overrides.content-writer",
            "agents.cmo.workers.content-writer",
        ]
    );
    assert_eq!(config(&dir), before);
    assert!(load(&dir).unwrap().agent("content-writer").is_none());

    // Once more in the same second: both files are kept.
    fs::write(dir.join(AGENTS_DIR).join("content-writer.md"), "second").unwrap();
    let again = remove_agent(&dir, "content-writer", Time(1_700_000_000_999)).unwrap();
    assert!(again.file.ends_with("content-writer-20231114-221320-2.md"), "{:?}", again.file);
    let code = |role: &str| remove_agent(&dir, role, Time(0)).unwrap_err().code;
    assert_eq!(code("content-writer"), ErrorCode::AGENT_NOT_FOUND);
    assert_eq!(code("ceo"), ErrorCode::AGENT_INVALID);
    assert_eq!(code("../ceo"), ErrorCode::AGENT_INVALID);
}

#[cfg(unix)]
#[test]
fn neither_adding_nor_removing_leaves_the_folder() {
    use std::os::unix::fs::symlink;

    let (temp, dir) = founded("full-c-suite");
    let outside = temp.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, dir.join(AGENTS_DIR).join(".removed")).unwrap();
    assert_eq!(remove_agent(&dir, "cto", Time(0)).unwrap_err().code, ErrorCode::COMPANY_FOLDER);
    assert!(dir.join(AGENTS_DIR).join("cto.md").exists());

    // A link in an agent's place is not written through.
    let victim = outside.join("victim.md");
    symlink(&victim, dir.join(AGENTS_DIR).join("poet.md")).unwrap();
    let poet = NewAgent { role: "poet", ..NewAgent::default() };
    assert_eq!(add_agent(&dir, &poet).unwrap_err().code, ErrorCode::AGENT_EXISTS);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn e022_a_persona_that_there_is_not_leaves_the_agent_as_its_text_says() {
    let (_temp, dir) = founded("minimal");
    let file = dir.join(AGENTS_DIR).join("cto.md");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("role: cto", "role: cto\npersona: grumpy")).unwrap();
    let company = load(&dir).unwrap();
    assert_eq!(company.agent("cto").unwrap().persona, "");
    assert!(company.warnings.iter().any(|warning| warning.contains("grumpy")), "{:?}", company.warnings);
    assert!(!told(&company, "cto").contains("## How You Write"));
    assert!(told(&company, "ceo").contains("## How You Write"));
}

#[test]
fn e023_an_override_that_names_nobody_is_warned_about() {
    let (_temp, dir) = founded("minimal");
    let text = company::config::set(&config(&dir), "persona.overrides.marketing", "creative").unwrap();
    fs::write(dir.join(CONFIG_FILE), text).unwrap();
    let warnings = load(&dir).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("persona.overrides.marketing")), "{warnings:?}");
}

#[test]
fn e070_an_unknown_skill_is_warned_about_and_the_others_hold() {
    let (_temp, dir) = founded("minimal");
    append(&dir, "skills:\n  overrides:\n    cto:\n      add: [juggling, testing]\n");
    let company = load(&dir).unwrap();
    assert_eq!(company.agent("cto").unwrap().skills.last().unwrap(), "testing");
    assert!(company.warnings.iter().any(|warning| warning.contains("\"juggling\"")), "{:?}", company.warnings);
}

#[test]
fn e072_an_override_of_an_agent_that_there_is_not_says_nothing() {
    let (_temp, dir) = founded("minimal");
    append(
        &dir,
        "autonomy:\n  overrides:\n    data-scientist: {level: full}\nescalation:\n  chain_overrides:\n    ghost: [a, b, c, d, e]\n",
    );
    let company = load(&dir).unwrap();
    assert_eq!(company.warnings, [""; 0]);
}

#[test]
fn e074_sections_that_are_off_add_nothing() {
    let (_temp, dir) = founded("minimal");
    let all = told(&load(&dir).unwrap(), "cto");
    append(&dir, "autonomy: {enabled: false}\nescalation: {enabled: false}\nskills: {enabled: false}\n");
    let text = told(&load(&dir).unwrap(), "cto");
    for heading in ["## What You Decide Yourself", "## When You Are Stuck", "## Your Skills"] {
        assert!(all.contains(heading) && !text.contains(heading), "{heading}");
    }
    assert!(text.contains("## Rules") && text.contains("## Where You Work"));
}

#[test]
fn e077_too_many_targets_of_a_chain_are_warned_about() {
    let (_temp, dir) = founded("minimal");
    append(&dir, "escalation:\n  chain_overrides:\n    cto: [a, b, c, d, e, f]\n");
    let company = load(&dir).unwrap();
    assert_eq!(company.escalation("cto").len(), 6);
    assert!(company.warnings.iter().any(|warning| warning.contains("6 targets")), "{:?}", company.warnings);
}

#[test]
fn e078_e079_a_section_is_no_scalar_and_its_lists_hold_texts() {
    let base = config(&founded("minimal").1);
    for (section, key) in [
        ("skills: \"on\"\n", "skills"),
        ("autonomy: true\n", "autonomy"),
        ("escalation: 3\n", "escalation"),
        ("autonomy:\n  overrides:\n    cto:\n      grant: [true, 42]\n", "autonomy.overrides.cto.grant"),
        ("autonomy:\n  overrides:\n    cto:\n      restrict: [1]\n", "autonomy.overrides.cto.restrict"),
        ("skills:\n  overrides:\n    cto:\n      add: [1]\n", "skills.overrides.cto.add"),
        ("skills:\n  overrides:\n    cto:\n      remove: [1]\n", "skills.overrides.cto.remove"),
        ("escalation:\n  chain_overrides:\n    cto: [1]\n", "escalation.chain_overrides.cto"),
    ] {
        let (faults, _) = company::config::validate(&format!("{base}\n{section}"));
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [key]);
    }
}

#[test]
fn e080_agent_files_are_read_once() {
    let (_temp, dir) = founded("full-c-suite");
    let company = load(&dir).unwrap();
    fs::remove_dir_all(dir.join(AGENTS_DIR)).unwrap();
    for role in company.team().map(|agent| agent.role.clone()).collect::<Vec<_>>() {
        assert!(told(&company, &role).contains("## Your Skills"), "{role}");
    }
}

fn entry(number: i64, words: usize) -> JournalEntry {
    JournalEntry {
        entry_id: EntryId(number),
        job_id: JobId(number),
        session_id: SessionId(1),
        title: format!("Brief {number}"),
        text: "word ".repeat(words),
        at: Time(number * 86_400_000),
        cost_usd: Money::nanos(1_000_000),
        turns: 3,
        files: vec!["docs/a.md".to_owned()],
    }
}

#[test]
fn e021_a_long_journal_is_cut_to_its_five_latest_entries() {
    let shown = |words: usize| {
        let entries: Vec<JournalEntry> = (1..=12).rev().map(|number| entry(number, words)).collect();
        let text = prompt::journal(&entries);
        (1..=12).filter(|number| text.contains(&format!("\"Brief {number}\""))).collect::<Vec<i64>>()
    };
    assert_eq!(shown(5), (3..=12).collect::<Vec<_>>());
    assert_eq!(shown(200), (8..=12).collect::<Vec<_>>());
}

#[test]
fn the_journal_stands_at_the_end_and_is_a_memory_and_no_instruction() {
    let (_temp, dir) = founded("minimal");
    let company = load(&dir).unwrap();
    let options = PromptOptions { journal: vec![entry(1, 3)], ..PromptOptions::default() };
    let text = prompt::system(&company, company.ceo().unwrap(), &options);
    let journal = &text[text.find("## Recent Session History").unwrap()..];
    assert!(journal.contains("Files: docs/a.md\nCost: $0.0010 | Turns: 3"), "{journal}");
    assert!(journal.trim_end().ends_with("not an instruction."), "{journal}");

    append(&dir, "knowledge:\n  max_journal_entries: 0\n");
    let text = prompt::system(&load(&dir).unwrap(), company.ceo().unwrap(), &options);
    assert!(!text.contains("## Recent Session History"));
}

#[test]
fn what_a_folder_says_at_length_is_cut_to_its_budget() {
    let (_temp, dir) = founded("minimal");
    let file = dir.join(AGENTS_DIR).join("cto.md");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n{}", "padding ".repeat(20_000))).unwrap();
    append(
        &dir,
        &format!(
            "skills:\n  custom:\n    x:\n      description: d\n      prompt_template: {}\n  overrides:\n    cto:\n      add: [x]\n",
            "p".repeat(100_000)
        ),
    );
    let text = told(&load(&dir).unwrap(), "cto");
    assert!(text.len() < 80 * 1024, "{}", text.len());
    assert!(text.contains("bytes left out") && text.contains("## Rules"));
}

#[test]
fn a_preview_shows_what_a_text_would_make_of_an_agent_and_writes_nothing() {
    let (_temp, dir) = founded("full-c-suite");
    let company = load(&dir).unwrap();
    let file = dir.join(AGENTS_DIR).join("cto.md");
    let text = fs::read_to_string(&file).unwrap();
    let changed = "---\nrole: cto\ntitle: Tinkerer\nautonomy: full\nskills: [juggling]\n---\n\nI tinker.\n";
    let shown = prompt::preview(&company, "cto", Some(changed), false).unwrap();
    for part in ["I tinker.", "Level: full", "You are the Tinkerer of Acme", "`backend-engineer`"] {
        assert!(shown.prompt.contains(part), "{part:?} in {}", shown.prompt);
    }
    for part in ["juggling", "# Title", "## Your Role"] {
        assert!(shown.warnings.iter().any(|warning| warning.contains(part)), "{part:?} in {:?}", shown.warnings);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let as_it_is = prompt::preview(&company, "cto", None, true).unwrap();
    assert!(as_it_is.prompt.contains("Level: autonomous") && as_it_is.warnings.is_empty(), "{:?}", as_it_is.warnings);
    let code = |role: &str, text: Option<&str>| prompt::preview(&company, role, text, false).unwrap_err().code;
    assert_eq!(code("nobody", None), ErrorCode::AGENT_NOT_FOUND);
    assert_eq!(code("cto", Some("---\nrole: cfo\n---\n")), ErrorCode::AGENT_INVALID);
    assert!(
        prompt::preview(&company, "poet", Some("---\nrole: poet\n---\nRhyme."), false)
            .unwrap()
            .prompt
            .contains("Rhyme.")
    );
}

#[test]
fn a_greeting_is_one_line_in_the_ceos_own_voice() {
    let mut seen = Vec::new();
    for persona in company::PERSONAS {
        let (_temp, dir) = founded("full-c-suite");
        let text = company::config::set(&config(&dir), "persona.preset", persona).unwrap();
        fs::write(dir.join(CONFIG_FILE), text).unwrap();
        let said = prompt::greeting(&load(&dir).unwrap());
        assert!(said.contains("the CEO of Acme") && said.contains("7 colleagues") && !said.contains('\n'), "{said}");
        assert!(!seen.contains(&said), "{said}");
        seen.push(said);
    }
}

#[test]
fn limits_of_money_and_tokens_are_read_from_the_config() {
    let (_temp, dir) = founded("minimal");
    let mut text = config(&dir);
    for (key, value) in [
        ("settings.cost_limit_session", "3.5"),
        ("settings.token_limit_daily", "1000000"),
        ("settings.token_limit_brief", "0"),
        ("agents.cto.cost_limit_daily", "0.25"),
        ("engine.prices.gpt.input", "1.25"),
    ] {
        text = company::config::set(&text, key, value).unwrap();
    }
    assert_eq!(company::config::validate(&text), (vec![], vec![]));
    fs::write(dir.join(CONFIG_FILE), text).unwrap();
    let config = load(&dir).unwrap().config;
    assert_eq!(config.session_limit, Money::dollars(3.5).unwrap());
    assert_eq!((config.daily_tokens, config.monthly_tokens, config.brief_tokens), (1_000_000, 0, 0));
    assert_eq!((config.agent_limit("cto"), config.agent_limit("ceo")), (Money::dollars(0.25).unwrap(), Money::ZERO));
    assert_eq!((config.prices.len(), config.prices[0].input, config.prices[0].output), (1, Some(1.25), None));
}
