//! The real programs, as they were installed into a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::EngineKind;
use serde_json::json;
use testkit::Provider;

use crate::engines::{OWN_KEY, Program, Under};
use crate::folder::Folder;

/// A program that was installed.
pub struct Installed {
    program: PathBuf,
    args: Vec<String>,
    own: Own,
}

/// What it has by itself, beside what the engine gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Nothing,
    /// A configuration with a provider of its own.
    Opencode,
}

impl Installed {
    /// Its program and the arguments before those of the engine.
    pub fn start(&self, provider: &Provider, folder: &Folder) -> (Option<String>, Vec<String>) {
        let mut args = Vec::new();
        if self.own == Own::Opencode {
            args = vec![
                format!("HOME={}", folder.own().display()),
                format!("OPENCODE_CONFIG_CONTENT={}", opencode(provider)),
                "OPENCODE_DISABLE_AUTOUPDATE=1".into(),
                "OPENCODE_DISABLE_MODELS_FETCH=1".into(),
                "OPENCODE_DISABLE_LSP_DOWNLOAD=1".into(),
                "OPENCODE_DISABLE_DEFAULT_PLUGINS=1".into(),
                self.program.display().to_string(),
            ];
        }
        let program = if args.is_empty() { self.program.clone() } else { "/usr/bin/env".into() };
        args.extend(self.args.iter().cloned());
        (Some(program.display().to_string()), args)
    }
}

/// A configuration that asks before it acts, as ours would have it, with the provider as its only one.
fn opencode(provider: &Provider) -> String {
    let model = json!({
        "name": "gpt-5", "cost": { "input": 1.25, "output": 10, "cache_read": 0.125 },
        "limit": { "context": 400_000, "output": 8_000 },
    });
    let own = json!({
        "npm": "@ai-sdk/openai-compatible", "name": "standin",
        "options": { "baseURL": format!("{}/v1", provider.url()), "apiKey": OWN_KEY },
        "models": { "gpt-5": model },
    });
    json!({
        "autoupdate": false, "share": "disabled", "provider": { "standin": own }, "model": "standin/gpt-5",
        "small_model": "standin/gpt-5", "permission": { "bash": "ask", "edit": "ask", "webfetch": "ask" },
    })
    .to_string()
}

/// Those that are there.
pub fn all(folder: &Path) -> Vec<Under> {
    let modules = folder.join("node_modules");
    let node = |script: &str| {
        (PathBuf::from("/usr/bin/env"), vec!["node".to_owned(), modules.join(script).display().to_string()])
    };
    let native = |path: &str| (modules.join(path), Vec::new());
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let triple = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
    let claude = native(&format!("@anthropic-ai/claude-code-linux-{arch}/claude"));
    let codex = native(&format!("@openai/codex-linux-{arch}/vendor/{triple}-unknown-linux-musl/bin/codex"));
    let (opencode, _) = native(&format!("opencode-linux-{arch}/bin/opencode"));
    let adapter = node("@agentclientprotocol/claude-agent-acp/dist/index.js");
    let known = [
        ("claude-code 2.1.328", EngineKind::ClaudeCode, "", true, None, claude, Own::Nothing),
        ("codex 0.169.0", EngineKind::Codex, "", true, Some("gpt-5"), codex, Own::Nothing),
        (
            "opencode 1.18.33",
            EngineKind::Acp,
            "opencode",
            true,
            Some("gpt-5"),
            (opencode.clone(), vec![]),
            Own::Nothing,
        ),
        ("opencode, own login", EngineKind::Acp, "custom", false, None, (opencode, vec!["acp".into()]), Own::Opencode),
        ("claude-agent-acp 0.49.0", EngineKind::Acp, "claude", true, None, adapter, Own::Nothing),
    ];
    let mut found = Vec::new();
    for (name, kind, agent, is_keyed, model, (program, args), own) in known {
        let script = args.iter().find(|arg| arg.ends_with(".js")).map(PathBuf::from);
        if !script.as_ref().unwrap_or(&program).exists() {
            eprintln!("{name} is not installed in {}.", folder.display());
            continue;
        }
        let installed = Arc::new(Installed { program, args, own });
        found.push(Under { name, kind, agent, is_keyed, model, program: Some(Program::Real(installed)) });
    }
    found
}
