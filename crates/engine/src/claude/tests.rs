//! What Claude Code is started with.

use std::sync::Arc;

use contract::{EngineKind, EngineSpec, JobId, RunLimits};

use super::args;
use crate::programs::{Door, Report, Stand};
use crate::{Brief, Grants, Ids, Memory, Rules};

fn brief(dir: &std::path::Path, api_key: Option<&str>) -> Brief {
    let create = company::Create { name: "Acme".into(), dir: dir.join("acme"), ..company::Create::default() };
    company::create(&create).unwrap();
    Brief {
        company: Arc::new(company::load(&dir.join("acme")).unwrap()),
        agent: "ceo".into(),
        job_id: JobId(1),
        directive: "Do it".into(),
        history: Vec::new(),
        journal: Vec::new(),
        memory: Memory::default(),
        limits: RunLimits::default(),
        mark: ("AICIB_RUN".into(), "a test".into()),
        run_dir: dir.to_owned(),
        tmp_dir: dir.join("tmp"),
        grace: std::time::Duration::from_secs(1).into(),
        spec: EngineSpec {
            kind: EngineKind::ClaudeCode,
            base_url: None,
            api_key: api_key.map(str::to_owned),
            pace: 1.0,
            agent: String::new(),
            model: None,
            program: Some("/opt/claude".into()),
            args: vec!["--of-the-founder".into()],
        },
        engines: Default::default(),
        conversation: None,
        state_dir: dir.join("state"),
        rules: Rules::default(),
        granted: Grants::default(),
        sandbox: process::Policy::default(),
        confined: contract::Confined::No,
        must_confine: false,
        aicib: "/nonexistent".into(),
        kept: crate::KeptFiles::default(),
        ids: Ids::default(),
    }
}

struct Nobody;

#[async_trait::async_trait]
impl crate::Host for Nobody {
    fn emit(&self, _: contract::Entry) -> Result<(), contract::Error> {
        Ok(())
    }
    fn before_effect(&self) -> Result<(), contract::Error> {
        Ok(())
    }
    fn delta(&self, _: &str, _: Option<&str>, _: &str) {}
    fn alive(&self) {}
    fn raw(&self, _: &str) {}
    async fn ready(&self, _: &str, _: Option<&str>) -> Result<(), contract::Error> {
        Ok(())
    }
    async fn lease(
        &self,
        _: &str,
        _: Option<&str>,
        _: &str,
        _: contract::Money,
        _: i64,
    ) -> Result<Option<contract::LeaseId>, contract::Error> {
        Ok(None)
    }
    async fn lease_return(&self, _: contract::LeaseId) {}
    async fn ask(&self, _: &str, _: Option<&str>, _: crate::Question) -> Result<Option<String>, contract::Error> {
        Ok(None)
    }
    fn follow_ups(&self) -> Vec<(contract::Seq, String)> {
        Vec::new()
    }
    fn stop(&self) -> &tokio_util::sync::CancellationToken {
        static NEVER: std::sync::LazyLock<tokio_util::sync::CancellationToken> =
            std::sync::LazyLock::new(Default::default);
        &NEVER
    }
}

fn told(api_key: Option<&str>) -> (String, Vec<(String, String)>, serde_json::Value) {
    let dir = tempfile::tempdir().unwrap();
    let brief = brief(dir.path(), api_key);
    let door =
        Door { base: "http://127.0.0.1:4000".into(), port: 4000, token: "at-secret".into(), pays: api_key.is_some() };
    let reports = [Report {
        role: "cto".into(),
        description: "CTO".into(),
        prompt: "You are the CTO.".into(),
        model: "sonnet".into(),
        tools: vec!["Read".into(), "List".into(), "Glob".into()],
    }];
    let tmp_dir = dir.path().join("tmp");
    let stand = Stand {
        brief: &brief,
        host: &Nobody,
        spec: &brief.spec,
        agent: brief.company.ceo().unwrap(),
        system: "You are the CEO, and this is between us.",
        model: Some("opus"),
        conversation: Some("c-1".into()),
        reports: &reports,
        door: Some(&door),
        turns: 7,
        tmp_dir: &tmp_dir,
    };
    let setup = args::setup(&stand).unwrap();
    // Other engines have their folders there too: who writes there could put a link in place of one.
    assert!(setup.own.iter().all(|own| !brief.state_dir.starts_with(own)), "{:?}", setup.own);
    let args: Vec<_> = setup.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let env = setup.env.iter().map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()));
    (args.join(" "), env.collect(), args::initialize(&stand, "r1"))
}

#[test]
fn no_secret_stands_in_an_argument_and_no_key_in_the_environment() {
    let (args, env, _) = told(Some("sk-ant-the-key"));
    assert!(!args.contains("at-secret") && !args.contains("between us"), "{args}");
    let all = format!("{args} {env:?}");
    assert!(!all.contains("sk-ant-the-key"), "{all}");
    let of = |name: &str| env.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!(of("ANTHROPIC_API_KEY"), Some("at-secret"));
    assert_eq!(of("ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4000/anthropic"));
    assert!(of("CLAUDE_CONFIG_DIR").is_some_and(|dir| dir.ends_with("state/claude")));
    assert!(args.contains("Bearer ${AICIB_DOOR_TOKEN}"), "{args}");
}

#[test]
fn with_its_own_login_it_has_neither_a_key_nor_another_place() {
    let (_, env, _) = told(None);
    for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR"] {
        assert!(env.iter().all(|(own, _)| own != name), "{name}");
    }
}

#[test]
fn nothing_of_the_folder_is_loaded_and_every_tool_is_asked_for() {
    let (args, _, initialize) = told(None);
    for flag in
        ["--restricted", "--strict-mcp-config", "--permission-prompt-tool stdio", "--resume c-1", "--max-turns 7"]
    {
        assert!(args.contains(flag), "{flag}: {args}");
    }
    assert!(args.starts_with("--of-the-founder -p "), "{args}");
    let tools = args.split("--tools ").nth(1).unwrap().split(' ').next().unwrap();
    let settings = args.split("--settings ").nth(1).unwrap();
    for tool in tools.split(',') {
        assert!(settings.contains(&format!("\"{tool}\"")), "{tool} is not asked for: {settings}");
    }
    assert!(!tools.contains("Bash"), "commands are off where nothing is confined: {tools}");
    assert!(tools.contains("Agent") && settings.contains("\"disableAllHooks\":true"), "{args}");
    let cto = &initialize["request"]["agents"]["cto"];
    assert_eq!(
        (cto["prompt"].as_str(), &cto["tools"]),
        (Some("You are the CTO."), &serde_json::json!(["Read", "Glob"]))
    );
    assert_eq!(initialize["request"]["appendSystemPrompt"], "You are the CEO, and this is between us.");
}
