//! Which engines a company's briefs and runs get, over programs that are scripts.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use company::{AGENTS_DIR, CEO, CONFIG_FILE, Create, config};
use contract::{Confined, ErrorCode, KeyStorage, Pays, Settings, Time};

use super::*;
use crate::engines::KeyState;
use crate::engines::choice::of_brief;
use crate::engines::marks::Away;

struct Place {
    dir: tempfile::TempDir,
    ground: Ground,
    clis: Clis,
}

impl Place {
    /// A company of five, and a machine with Claude Code and Codex.
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        for (name, says) in [("claude-code", "2.1.328 (Claude Code)"), ("codex", "codex-cli 0.169.0")] {
            let file = dir.path().join(name);
            std::fs::write(&file, format!("#!/bin/sh\n[ $1 = --version ] && echo '{says}'\nexit 0\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            settings.engine_programs.insert(name.into(), file.display().to_string());
        }
        let ground = Ground { settings, marks: Default::default(), keys: Default::default(), confined: Confined::Full };
        let place = Place { dir, ground, clis: Clis::default() };
        let structure = Some("lean-startup".to_owned());
        company::create(&Create { name: "Acme".into(), dir: place.folder(), structure, ..Create::default() }).unwrap();
        place
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("acme")
    }

    fn set(&self, key: &str, value: &str) {
        let text = company::config_text(&self.folder()).unwrap();
        std::fs::write(self.folder().join(CONFIG_FILE), config::set(&text, key, value).unwrap()).unwrap();
    }

    fn key(&mut self, provider: &str) {
        self.ground.keys.insert(provider.to_owned(), KeyState { kept: Some(KeyStorage::Keychain), lost: false });
    }

    fn away(&mut self, engine: &str, said: bool) {
        let until = Time(Time::now().0 + 60_000);
        self.ground.marks.insert(engine.into(), Away { until, code: ErrorCode::PROVIDER_QUOTA, said });
    }

    fn company(&self) -> Company {
        company::load(&self.folder()).unwrap()
    }

    /// The engine of the next brief to somebody, or why there is none.
    async fn brief(&self, role: &str) -> Result<(String, Option<String>, bool), ErrorCode> {
        match of_brief(&self.clis, &self.ground, &self.company(), role).await {
            Ok(chosen) => Ok((chosen.stand.name(), chosen.model, chosen.instead_of.is_some())),
            Err(error) => Err(error.code),
        }
    }

    /// The engines of a run: its own, and those of others, each with its model.
    async fn run(&self, engine: &str, role: &str) -> (Planned, BTreeMap<String, Planned>) {
        let (kind, agent) = contract::engine_from_name(engine).unwrap();
        let job = job(kind, agent, role);
        of_run(&self.clis, &self.ground, Some(&self.company()), &job).await.unwrap()
    }
}

fn job(engine: EngineKind, engine_agent: &str, role: &str) -> Job {
    let fields = serde_json::json!({
        "job_id": 1, "company_id": 1, "session_id": 1, "agent": role, "title": "t", "state": "queued", "reason": "",
        "priority": 0, "held": false, "engine": engine.name(), "engine_agent": engine_agent, "origin": "cli",
        "foreground": false, "created_at": 1, "cost_usd": 0.0, "cost_basis": "free", "max_cost_usd": 0.0, "turns": 0,
        "attempts": 1, "seq": 1,
    });
    serde_json::from_value(fields).unwrap()
}

fn plain(name: &str) -> Result<(String, Option<String>, bool), ErrorCode> {
    Ok((name.into(), None, false))
}

#[tokio::test]
async fn auto_is_the_api_with_a_key_and_practice_without() {
    let mut place = Place::new();
    assert_eq!(place.brief(CEO).await, plain("practice"));
    place.set("agents.cto.engine", "codex");
    assert_eq!(place.brief("cto").await, plain("practice"), "a company that rehearses rehearses as a whole");
    assert!(place.run("practice", CEO).await.1.is_empty());
    place.key("anthropic");
    assert_eq!(place.brief(CEO).await, plain("anthropic-api"));
    assert_eq!(place.brief("cto").await, plain("codex"));
    place.set("engines.use", "practice");
    assert_eq!(place.brief(CEO).await, plain("practice"), "it goes before engine.mode");
}

#[tokio::test]
async fn a_program_is_used_where_the_company_names_it_and_it_is_ready() {
    let mut place = Place::new();
    place.set("engine.mode", "claude-code");
    // Whether it is logged in is for this machine to say: here it is to pay with a key.
    place.ground.settings.engine_pays.insert("claude-code".into(), Pays::Key);
    assert_eq!(place.brief(CEO).await, Err(ErrorCode::KEY_MISSING));
    place.key("anthropic");
    assert_eq!(place.brief(CEO).await, plain("claude-code"));
    let (own, others) = place.run("claude-code", CEO).await;
    assert_eq!((own.pays_with, own.model, others.len()), (Some("anthropic"), None, 0));
    assert!(own.program.unwrap().ends_with("/claude-code"));
    place.ground.settings.engine_programs.insert("claude-code".into(), "/nowhere/claude".into());
    assert_eq!(place.brief(CEO).await, Err(ErrorCode::ENGINE_NOT_FOUND));
    place.set("engines.use", "acp:nobody");
    assert_eq!(place.brief(CEO).await, Err(ErrorCode::ENGINE_UNAVAILABLE));
}

#[tokio::test]
async fn models_that_are_not_claudes_come_from_the_engines_section() {
    let mut place = Place::new();
    place.ground.settings.openai_base_url = "http://127.0.0.1:11434/v1".into();
    place.set("engines.use", "openai-api");
    assert_eq!(place.brief(CEO).await, Err(ErrorCode::ENGINE_UNAVAILABLE), "it has to be told a model");
    place.ground.settings.openai_model = "llama4".into();
    let with = |model: &str| Ok(("openai-api".to_owned(), Some(model.to_owned()), false));
    assert_eq!(place.brief(CEO).await, with("llama4"));
    place.set("engines.model", "qwen2.5-coder:7b");
    place.set("agents.cto.engine_model", "devstral");
    assert_eq!(place.brief(CEO).await, with("qwen2.5-coder:7b"));
    let (own, others) = place.run("openai-api", CEO).await;
    assert_eq!(
        (own.model.as_deref(), own.base_url.as_deref()),
        (Some("qwen2.5-coder:7b"), Some("http://127.0.0.1:11434/v1"))
    );
    assert_eq!(others.keys().collect::<Vec<_>>(), ["cto"], "the same engine with a model of its own");
    assert_eq!(others["cto"].model.as_deref(), Some("devstral"));
}

#[tokio::test]
async fn an_agent_with_an_engine_of_its_own_has_it_in_every_run() {
    let mut place = Place::new();
    place.key("anthropic");
    place.key("openai");
    place.ground.settings.engine_pays = [("codex".to_owned(), Pays::Key)].into();
    place.set("agents.cto.engine", "codex");
    place.set("engines.model", "gpt-5");
    let (own, others) = place.run("anthropic-api", CEO).await;
    assert_eq!((own.kind, own.model), (EngineKind::AnthropicApi, None), "the CEO's model is Claude's");
    assert_eq!((others.len(), others["cto"].kind), (1, EngineKind::Codex));
    assert_eq!((others["cto"].model.as_deref(), others["cto"].pays_with), (Some("gpt-5"), Some("openai")));
    // Briefed directly, its own engine is the run's, and the others keep the company's.
    let (own, others) = place.run("codex", "cto").await;
    assert_eq!((own.kind, others.len()), (EngineKind::Codex, 4));
    assert!(others.values().all(|other| other.kind == EngineKind::AnthropicApi));
    let file = place.folder().join(AGENTS_DIR).join("cmo.md");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replacen("---\n", "---\nengine: acp:custom\n", 1)).unwrap();
    assert_eq!(place.brief(CEO).await, Err(ErrorCode::ENGINE_NOT_FOUND), "better to hear of it before the work");
}

#[tokio::test]
async fn the_fallback_takes_the_next_brief_while_the_engine_is_away() {
    let mut place = Place::new();
    place.key("anthropic");
    place.key("openai");
    place.ground.settings.engine_pays = [("codex".to_owned(), Pays::Key)].into();
    place.away("anthropic-api", false);
    assert_eq!(place.brief(CEO).await, plain("anthropic-api"), "it is off by default");
    place.set("engines.fallback", "codex");
    place.set("engines.model", "gpt-5");
    let instead = Ok(("codex".to_owned(), Some("gpt-5".to_owned()), true));
    assert_eq!(place.brief(CEO).await, instead);
    // What is at work is not changed, and what began on the fallback stays there.
    assert_eq!(place.run("anthropic-api", CEO).await.0.kind, EngineKind::AnthropicApi);
    let (own, others) = place.run("codex", CEO).await;
    assert_eq!((own.kind, own.model.as_deref(), others.len()), (EngineKind::Codex, Some("gpt-5"), 0));
    place.away("codex", true);
    assert_eq!(place.brief(CEO).await, plain("anthropic-api"), "two that are away are no better than one");
    place.ground.marks.clear();
    assert_eq!(place.brief(CEO).await, plain("anthropic-api"));
    // One whose models are its own does not get another's.
    place.set("engines.use", "openai-api");
    place.away("openai-api", true);
    assert_eq!(place.brief(CEO).await, Ok(("codex".to_owned(), None, true)));
    place.set("engines.fallback", "claude-code");
    place.ground.settings.engine_programs.insert("claude-code".into(), "/nowhere/claude".into());
    assert_eq!(place.brief(CEO).await, Ok(("openai-api".to_owned(), Some("gpt-5".to_owned()), false)));
}
