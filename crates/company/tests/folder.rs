//! Company folders on disk: founded, opened, broken, hostile.
#![allow(clippy::unwrap_used)] // helpers of tests count as code

use std::fs;
use std::path::{Path, PathBuf};

use company::{AGENTS_DIR, CONFIG_FILE, Company, Create, create, find, load, save_agent};
use contract::{ErrorCode, Money};

fn spec(dir: &Path) -> Create {
    Create { name: "Acme".to_owned(), dir: dir.to_owned(), ..Create::default() }
}

fn founded() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("acme");
    create(&spec(&dir)).unwrap();
    (temp, dir)
}

fn roles(company: &Company) -> Vec<&str> {
    company.team().map(|agent| agent.role.as_str()).collect()
}

fn reports<'c>(company: &'c Company, role: &str) -> Vec<&'c str> {
    company.reports(role).into_iter().map(|agent| agent.role.as_str()).collect()
}

/// Every file below a folder with its text.
fn contents(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
            all.push((path, String::new()));
        } else {
            all.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn every_structure_persona_and_template_makes_a_company_that_holds() {
    let temp = tempfile::tempdir().unwrap();
    for structure in company::STRUCTURES {
        for template in company::TEMPLATES {
            for persona in company::PERSONAS {
                let dir = temp.path().join(format!("{structure}-{template}-{persona}"));
                let spec = Create {
                    structure: Some((*structure).to_owned()),
                    persona: Some((*persona).to_owned()),
                    template: Some((*template).to_owned()),
                    ..spec(&dir)
                };
                let company = create(&spec).unwrap();
                assert!(company.broken.is_empty() && company.warnings.is_empty(), "{:?}", company.warnings);
                assert_eq!(
                    (&company.config.template, &company.config.persona),
                    (&(*template).into(), &(*persona).into())
                );
                assert_eq!(company.config.about.is_empty(), *template == "blank");
                assert_eq!(company.config.engine, "auto");
                let text = fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
                assert_eq!(company::config::validate(&text), (vec![], vec![]));
            }
        }
    }
}

#[test]
fn a_company_is_the_founders_to_describe_where_no_template_is_given() {
    let temp = tempfile::tempdir().unwrap();
    for (index, template) in [None, Some("none".to_owned()), Some("blank".to_owned())].into_iter().enumerate() {
        let dir = temp.path().join(index.to_string());
        let company = create(&Create { template, ..spec(&dir) }).unwrap();
        assert_eq!((company.config.template.as_str(), company.config.about.as_str()), ("blank", ""));
        let text = fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
        assert!(text.contains("# Say here what your company is"), "{text}");
        configure(&dir, "company.about", "A bakery: bread, by bicycle");
        assert_eq!(load(&dir).unwrap().config.about, "A bakery: bread, by bicycle");
        assert!(fs::read_to_string(dir.join(CONFIG_FILE)).unwrap().contains("# Say here"));
    }
}

#[test]
fn a_workers_model_is_its_own() {
    let (_temp, dir) = founded();
    let model = |role: &str| load(&dir).unwrap().agent(role).unwrap().model.clone();
    configure(&dir, "agents.cto.workers.backend-engineer.model", "haiku");
    assert_eq!((model("backend-engineer").as_str(), model("frontend-engineer").as_str()), ("haiku", "sonnet"));
    let text = fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
    assert!(text.contains("      - backend-engineer:\n          model: haiku\n      - frontend-engineer:\n"), "{text}");
    // Said under its own name, it is said last, whichever comes first in the alphabet.
    for role in ["backend-engineer", "financial-analyst"] {
        configure(&dir, &format!("agents.{role}.model"), "opus");
        assert_eq!(model(role), "opus");
    }
    assert_eq!(reports(&load(&dir).unwrap(), "cto"), ["backend-engineer", "frontend-engineer"]);
}

#[test]
fn structures_have_the_team_they_promise() {
    let temp = tempfile::tempdir().unwrap();
    let team = |structure: &str| {
        let dir = temp.path().join(structure);
        create(&Create { structure: Some(structure.to_owned()), ..spec(&dir) }).unwrap()
    };
    let full = team("full-c-suite");
    assert_eq!(full.team().count(), 8);
    assert_eq!(full.agents[0].role, "ceo");
    assert_eq!(reports(&full, "ceo"), ["cfo", "cmo", "cto"]);
    assert_eq!(reports(&full, "cto"), ["backend-engineer", "frontend-engineer"]);
    assert_eq!(reports(&full, "cfo"), ["financial-analyst"]);
    assert_eq!(reports(&full, "cmo"), ["content-writer"]);
    assert_eq!(reports(&full, "content-writer"), [""; 0]);
    assert_eq!(roles(&team("lean-startup")), ["ceo", "backend-engineer", "cmo", "content-writer", "cto"]);
    assert_eq!(roles(&team("minimal")), ["ceo", "cto"]);
    assert_eq!(roles(&team("custom")), ["ceo"]);
    let level = |role: &str| full.agent(role).unwrap().judgement.level.name();
    assert_eq!((level("ceo"), level("cmo"), level("content-writer")), ("full", "autonomous", "guided"));
    assert_eq!(full.agent("cto").unwrap().skills, ["architecture_design", "code_review", "project_planning"]);
    assert_eq!(full.config.daily_limit, Money::dollars(50.0).unwrap());
    assert_eq!(full.config.commands, None, "they may where they are confined");
    let may = |role: &str, tool: &str| full.agent(role).unwrap().tools.contains(&tool.to_owned());
    assert!(may("cto", "Bash") && may("cto", "Delegate") && !may("cmo", "Bash") && !may("content-writer", "Delegate"));
}

#[test]
fn our_agents_have_the_sections_that_personas_need() {
    let (_temp, dir) = founded();
    for agent in load(&dir).unwrap().agents {
        assert!(agent.body.starts_with("# "), "{}", agent.role);
        for section in ["## Your Role", "## Decision Authority", "## Working Style", "## Limits"] {
            assert!(agent.body.contains(section), "{} lacks {section}", agent.role);
        }
        let lines = fs::read_to_string(&agent.file).unwrap().lines().count();
        assert!((25..=62).contains(&lines), "{}: {lines} lines", agent.role);
    }
}

#[test]
fn names_are_written_so_that_they_read_back() {
    let temp = tempfile::tempdir().unwrap();
    for (index, name) in
        ["Müller & Söhne: \"GmbH\" #1", "2024", "null", "'quoted'", "- dash", "日本"].iter().enumerate()
    {
        let company = create(&Create { name: (*name).into(), ..spec(&temp.path().join(index.to_string())) }).unwrap();
        assert_eq!(company.config.name, *name);
    }
}

#[test]
fn bad_names_are_refused_and_nothing_is_made() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a/b");
    let wrong = [
        Create { name: " \n".into(), ..spec(&dir) },
        Create { name: "x".repeat(81), ..spec(&dir) },
        Create { structure: Some("pyramid".into()), ..spec(&dir) },
        Create { persona: Some("grumpy".into()), ..spec(&dir) },
        Create { template: Some("bank".into()), ..spec(&dir) },
        Create { engine: Some("gpt".into()), ..spec(&dir) },
    ];
    for spec in wrong {
        assert_eq!(create(&spec).unwrap_err().code, ErrorCode::BAD_REQUEST);
    }
    assert!(contents(temp.path()).is_empty());
}

#[test]
fn a_folder_that_holds_a_company_is_left_alone() {
    let (_temp, dir) = founded();
    let before = contents(&dir);
    let error = create(&spec(&dir)).unwrap_err();
    assert_eq!(error.code, ErrorCode::COMPANY_EXISTS);
    assert_eq!(contents(&dir), before);
}

#[test]
fn what_was_there_stays_and_a_failure_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("new/acme");
    fs::create_dir_all(dir.join(AGENTS_DIR)).unwrap();
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    fs::write(dir.join(AGENTS_DIR).join("cto.md"), "mine").unwrap();
    let before = contents(temp.path());
    let error = create(&spec(&dir)).unwrap_err();
    assert_eq!(error.code, ErrorCode::COMPANY_EXISTS);
    assert!(error.message.contains("cto.md"), "{error}");
    assert_eq!(contents(temp.path()), before);

    // A file where a folder has to be: the folders made on the way go again.
    fs::write(temp.path().join("file"), "").unwrap();
    let before = contents(temp.path());
    for dir in [temp.path().join("file"), temp.path().join("file/sub"), PathBuf::from("/proc/aicib-no/where")] {
        let error = create(&spec(&dir)).unwrap_err();
        assert_eq!(error.code, ErrorCode::COMPANY_FOLDER, "{error}");
    }
    assert_eq!(contents(temp.path()), before);
}

#[test]
fn an_attempt_that_was_killed_is_taken_up() {
    let (_temp, dir) = founded();
    fs::remove_file(dir.join(CONFIG_FILE)).unwrap();
    assert_eq!(create(&spec(&dir)).unwrap().team().count(), 8);
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let temp = tempfile::tempdir().unwrap();
    let closed = temp.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    let denied = fs::write(closed.join("probe"), "").is_err();
    let result = create(&spec(&closed.join("acme")));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    // Root writes everywhere.
    if denied {
        let error = result.unwrap_err();
        assert_eq!(error.code, ErrorCode::COMPANY_FOLDER);
        assert!(error.fix.contains("permissions"), "{error}");
    }
}

#[test]
fn a_company_is_found_from_below() {
    let (temp, dir) = founded();
    let deep = dir.join("docs/plans");
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(find(&deep), Some(dir.clone()));
    assert_eq!(find(&dir), Some(dir.clone()));
    assert_eq!(find(&dir.join("docs/../docs")), Some(dir));
    assert_eq!(find(temp.path()), None);
}

#[test]
fn e004_without_a_ceo_nobody_takes_briefs() {
    let (_temp, dir) = founded();
    let ceo = dir.join(AGENTS_DIR).join("ceo.md");
    fs::remove_file(&ceo).unwrap();
    let company = load(&dir).unwrap();
    let error = company.ceo().unwrap_err();
    assert_eq!(error.code, ErrorCode::CEO_MISSING);
    assert!(error.message.starts_with("CEO agent definition not found") && error.fix.contains("aicib init"), "{error}");

    fs::write(&ceo, "no frontmatter").unwrap();
    let error = load(&dir).unwrap().ceo().unwrap_err();
    assert_eq!(error.code, ErrorCode::AGENT_INVALID);
    assert!(error.message.contains(".claude/agents/ceo.md, line 1"), "{error}");

    fs::write(&ceo, "---\nrole: ceo\nenabled: true\n---\n").unwrap();
    assert!(load(&dir).unwrap().ceo().is_ok());
}

fn configure(dir: &Path, key: &str, value: &str) {
    let text = fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
    company::write_config(dir, &company::config::set(&text, key, value).unwrap()).unwrap();
}

#[test]
fn e007_a_disabled_agent_is_left_out() {
    let (_temp, dir) = founded();
    configure(&dir, "agents.cfo.enabled", "false");
    configure(&dir, "agents.cmo.model", "claude-haiku-4-5");
    let company = load(&dir).unwrap();
    assert!(!roles(&company).contains(&"cfo") && company.agent("cfo").is_some());
    assert_eq!(reports(&company, "ceo"), ["cmo", "cto", "financial-analyst"], "whose head is gone answers to the CEO");
    assert_eq!(company.agent("cmo").unwrap().model, "claude-haiku-4-5");
    configure(&dir, "agents.ceo.enabled", "false");
    assert_eq!(load(&dir).unwrap().ceo().unwrap_err().code, ErrorCode::CEO_MISSING);
}

#[test]
fn a_ring_of_heads_answers_to_the_ceo() {
    let (_temp, dir) = founded();
    let agents = dir.join(AGENTS_DIR);
    fs::write(agents.join("a.md"), "---\nreports_to: b\n---\n").unwrap();
    fs::write(agents.join("b.md"), "---\nreports_to: a\n---\n").unwrap();
    fs::write(agents.join("c.md"), "---\nreports_to: c\n---\n").unwrap();
    let company = load(&dir).unwrap();
    assert_eq!(reports(&company, "ceo"), ["a", "c", "cfo", "cmo", "cto"]);
    assert_eq!(reports(&company, "a"), ["b"]);
    assert!(company.warnings.iter().any(|warning| warning.contains("answer to each other")), "{:?}", company.warnings);
}

#[test]
fn a_broken_agent_file_does_not_keep_the_others_out() {
    let (_temp, dir) = founded();
    let agents = dir.join(AGENTS_DIR);
    fs::write(agents.join("cto.md"), "---\nrole: cto\nmodel: gpt-4\n---\n").unwrap();
    fs::write(agents.join("twin.md"), "---\nrole: cfo\n---\n").unwrap();
    fs::write(agents.join("latin.md"), b"---\nrole: x\ntitle: \xe9\n---\n").unwrap();
    fs::write(agents.join("huge.md"), vec![b'x'; 300 * 1024]).unwrap();
    fs::create_dir(agents.join("folder.md")).unwrap();
    let company = load(&dir).unwrap();
    let broken: Vec<&str> = company.broken.iter().map(|broken| broken.role.as_str()).collect();
    assert_eq!(broken, ["cto", "folder", "huge", "latin", "twin"]);
    assert!(company.broken[0].error.message.contains("line 3"), "{}", company.broken[0].error);
    assert_eq!(reports(&company, "ceo"), ["backend-engineer", "cfo", "cmo", "frontend-engineer"]);
    for index in 0..150 {
        fs::write(agents.join(format!("z{index}.md")), "---\n role: {}\n---\n").unwrap();
    }
    let company = load(&dir).unwrap();
    assert_eq!(company.agents.len() + company.broken.len(), company::MAX_AGENTS);
    assert!(company.warnings.iter().any(|warning| warning.contains("more than 100")));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    use std::os::unix::fs::symlink;
    let (temp, dir) = founded();
    let agents = dir.join(AGENTS_DIR);
    let outside = temp.path().join("outside.md");
    fs::write(&outside, "---\nrole: spy\n---\nsecret text\n").unwrap();
    symlink(&outside, agents.join("spy.md")).unwrap();
    symlink(agents.join("cto.md"), agents.join("twin.md")).unwrap();
    let company = load(&dir).unwrap();
    let spy = company.broken.iter().find(|broken| broken.role == "spy").unwrap();
    assert!(spy.error.message.contains("leads out") && !spy.error.message.contains("secret"), "{}", spy.error);
    assert!(company.agent("spy").is_none());

    let config = dir.join(CONFIG_FILE);
    fs::rename(&config, temp.path().join("elsewhere.yaml")).unwrap();
    symlink(temp.path().join("elsewhere.yaml"), &config).unwrap();
    assert_eq!(load(&dir).unwrap_err().code, ErrorCode::CONFIG_INVALID);

    // Saving an agent does not follow a link either.
    let linked = temp.path().join("linked");
    fs::create_dir_all(linked.join(".claude")).unwrap();
    fs::create_dir(temp.path().join("victim")).unwrap();
    symlink(temp.path().join("victim"), linked.join(AGENTS_DIR)).unwrap();
    assert_eq!(save_agent(&linked, "cto", "---\nrole: cto\n---\n").unwrap_err().code, ErrorCode::COMPANY_FOLDER);
    assert_eq!(create(&spec(&linked)).unwrap_err().code, ErrorCode::COMPANY_FOLDER);
    assert!(contents(&temp.path().join("victim")).is_empty());
}

#[test]
fn saving_an_agent_checks_it_first() {
    let (_temp, dir) = founded();
    let file = dir.join(AGENTS_DIR).join("cto.md");
    let text = fs::read_to_string(&file).unwrap();
    let better = text.replace("Chief Technology Officer", "Head of Engineering");
    assert_eq!(save_agent(&dir, "cto", &better).unwrap().title, "Head of Engineering");
    assert_eq!(fs::read_to_string(&file).unwrap(), better);
    for wrong in ["no frontmatter", "---\nrole: cfo\n---\n", "---\nrole: cto\nmodel: llama\n---\n"] {
        assert_eq!(save_agent(&dir, "cto", wrong).unwrap_err().code, ErrorCode::AGENT_INVALID);
    }
    assert_eq!(save_agent(&dir, "../cto", &better).unwrap_err().code, ErrorCode::AGENT_INVALID);
    assert_eq!(fs::read_to_string(&file).unwrap(), better);
    assert_eq!(
        save_agent(&dir, "data-scientist", "---\nrole: data-scientist\n---\nHi").unwrap().name,
        "Data Scientist"
    );
    assert!(load(&dir).unwrap().agent("data-scientist").is_some());
}

#[test]
fn a_config_that_does_not_hold_names_file_line_and_what_was_expected() {
    let (_temp, dir) = founded();
    let file = dir.join(CONFIG_FILE);
    let text = fs::read_to_string(&file).unwrap().replace("cost_limit_daily: 50", "cost_limit_daily: fifty");
    fs::write(&file, &text).unwrap();
    let error = load(&dir).unwrap_err();
    let line = text.lines().position(|line| line.contains("fifty")).unwrap() + 1;
    assert_eq!(error.code, ErrorCode::CONFIG_INVALID);
    assert!(error.message.contains(&format!("{}, line {line}: ", file.display())), "{error}");
    assert!(error.message.contains("a number from 0 up, not \"fifty\""), "{error}");
    assert_eq!(error.data.unwrap()["line"], line);
}

#[test]
fn no_company_and_no_folder_are_different_things() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(load(temp.path()).unwrap_err().code, ErrorCode::COMPANY_NOT_FOUND);
    assert_eq!(load(&temp.path().join("gone")).unwrap_err().code, ErrorCode::COMPANY_FOLDER);
}

/// As `aicib` by its first makers writes it: no engine section, workers in lists, sections of features we do not have.
const ORIGINAL: &str = "company:\n  name: MyStartup\n  template: saas-startup\nagents:\n  ceo:\n    enabled: true\n    model: opus\n  \
cto:\n    enabled: true\n    model: opus\n    check_in_interval: 30m\n    workers:\n      - backend-engineer:\n          model: sonnet\n      \
- frontend-engineer:\n          model: haiku\n          enabled: false\n  cfo:\n    enabled: false\n    model: sonnet\nsettings:\n  \
cost_limit_daily: 25.5\n  cost_limit_monthly: 0\n  escalation_threshold: high\n  auto_start_workers: true\npersona:\n  preset: startup\n  \
overrides:\n    marketing: creative\nslack:\n  enabled: false\n  channel_prefix: aicib\n  debounce_ms: 2000\ntasks:\n  max_context_tasks: 15\n\
my_notes:\n  - keep me\n";

#[test]
fn a_folder_of_the_original_opens() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let agents = dir.join(AGENTS_DIR);
    fs::create_dir_all(&agents).unwrap();
    fs::write(dir.join(CONFIG_FILE), ORIGINAL).unwrap();
    for (role, head) in [("ceo", "human-founder"), ("cto", "ceo"), ("cfo", "ceo"), ("backend-engineer", "cto")] {
        let text = format!(
            "---\nrole: {role}\ntitle: Chief\nmodel: opus\nreports_to: {head}\ndepartment: d\nspawns: [x]\ntools:\n  - Read\n  \
             - SendMessage\n  - TeamCreate\nskills:\n  - code_review\n---\n\n# Soul\n"
        );
        fs::write(agents.join(format!("{role}.md")), text).unwrap();
    }
    fs::write(agents.join("frontend-engineer.md"), "---\nrole: frontend-engineer\n---\n").unwrap();
    let company = load(dir).unwrap();
    let config = &company.config;
    assert_eq!((config.name.as_str(), config.engine.as_str()), ("MyStartup", "claude-code"));
    assert_eq!(config.daily_limit, Money::dollars(25.5).unwrap());
    assert_eq!(config.monthly_limit, Money::ZERO);
    assert_eq!(config.persona, "startup");
    assert_eq!(roles(&company), ["ceo", "backend-engineer", "cto"]);
    assert_eq!(reports(&company, "ceo"), ["cto"]);
    assert_eq!(reports(&company, "cto"), ["backend-engineer"]);
    assert_eq!(company.agent("backend-engineer").unwrap().model, "sonnet");
    assert_eq!(company.agent("ceo").unwrap().tools, ["Read"]);
    assert_eq!(config.value["my_notes"][0], "keep me");
    assert_eq!(config.value["slack"]["thread_replies"], true);
    assert_eq!(config.value["slack"]["debounce_ms"], 2000);
    assert!(company.warnings.iter().any(|warning| warning.contains("persona.overrides.marketing")), "E023");
    configure(dir, "engine.mode", "practice");
    let text = fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
    assert_eq!(text, format!("{ORIGINAL}\nengine:\n  mode: practice\n"));
}

#[test]
fn any_engine_can_be_chosen_for_the_company_and_for_an_agent() {
    let temp = tempfile::tempdir().unwrap();
    for (engine, mode) in [("codex", "auto"), ("claude-code", "claude-code"), ("acp:gemini", "auto")] {
        let dir = temp.path().join(engine.replace(':', "-"));
        let company = create(&Create { engine: Some(engine.into()), ..spec(&dir) }).unwrap();
        assert_eq!((company.config.engine.as_str(), &company.config.value["engine"]["mode"]), (engine, &mode.into()));
        assert_eq!(company::config::validate(&fs::read_to_string(dir.join(CONFIG_FILE)).unwrap()), (vec![], vec![]));
    }
    let dir = temp.path().join("codex");
    assert_eq!(load(&dir).unwrap().agent("cto").unwrap().engine, "");
    let file = dir.join(AGENTS_DIR).join("cto.md");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("---\n", "---\nengine: claude-code\nengine_model: gpt-5\n", 1)).unwrap();
    let of_cto = || {
        let agent = load(&dir).unwrap().agent("cto").unwrap().clone();
        (agent.engine, agent.engine_model)
    };
    assert_eq!(of_cto(), ("claude-code".into(), "gpt-5".into()));
    configure(&dir, "agents.cto.engine", "acp:opencode");
    assert_eq!(of_cto(), ("acp:opencode".into(), "gpt-5".into()), "the config's word goes before the file's");
    configure(&dir, "engines.use", "auto");
    configure(&dir, "engines.fallback", "openai-api");
    configure(&dir, "engines.model", "gpt-5-mini");
    let config = load(&dir).unwrap().config;
    assert_eq!((config.engine.as_str(), config.fallback.as_str()), ("auto", "openai-api"));
    assert_eq!(config.model, "gpt-5-mini");
    let mode = company::config::warnings_of(&fs::read_to_string(dir.join(CONFIG_FILE)).unwrap(), "engine.mode");
    assert!(mode[0].contains("engines.use says auto"), "{mode:?}");
}

#[test]
fn an_engine_that_nobody_knows_does_not_keep_the_company_shut() {
    let (_temp, dir) = founded();
    let file = dir.join(CONFIG_FILE);
    let text = fs::read_to_string(&file).unwrap().replace("mode: auto", "mode: moon");
    fs::write(&file, &text).unwrap();
    assert_eq!(load(&dir).unwrap().config.engine, "moon");
    assert_eq!(company::config::validate(&text).0[0].key, "engine.mode");
    configure(&dir, "settings.cost_limit_daily", "9");
    configure(&dir, "engine.mode", "practice");
    assert_eq!(load(&dir).unwrap().config.engine, "practice");
    configure(&dir, "engine.mode", "claude-api");
    assert_eq!(load(&dir).unwrap().config.engine, "anthropic-api", "as the original calls it");
}

#[test]
fn a_limit_never_turns_into_no_limit() {
    let (_temp, dir) = founded();
    for (value, expected) in [
        ("0", Money::ZERO),
        ("0.0000000000001", Money::nanos(1)),
        ("1e300", Money::nanos(9_000_000_000_000_000 - 1)),
        ("0.07", Money::nanos(70_000_000)),
    ] {
        configure(&dir, "settings.cost_limit_daily", value);
        assert_eq!(load(&dir).unwrap().config.daily_limit, expected, "{value}");
    }
}
