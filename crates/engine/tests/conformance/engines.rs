//! The engines that the suite is run over.

use std::path::PathBuf;
use std::sync::Arc;

use contract::{EngineKind, EngineSpec};
use testkit::Provider;

use crate::folder::Folder;
use crate::real;

/// What makes this binary the stand-in for a program.
pub const AS_AGENT: &str = "as-agent";
/// The key that we hold. No program ever has it.
pub const KEY: &str = "sk-planted-key-0123456789abcdef";
/// What programs have that are logged in by themselves.
pub const OWN_KEY: &str = "own-login-0123456789";

/// An engine under test.
#[derive(Clone)]
pub struct Under {
    /// Its column.
    pub name: &'static str,
    pub kind: EngineKind,
    /// Which of the agents that speak ACP.
    pub agent: &'static str,
    /// Whether we hold the key, and so meter every call.
    pub is_keyed: bool,
    pub model: Option<&'static str>,
    /// The program, where it is one.
    pub program: Option<Program>,
}

/// A program that is an engine.
#[derive(Clone)]
pub enum Program {
    /// The stand-in, in the part that this names.
    Scripted(&'static str),
    /// A real one.
    Real(Arc<real::Installed>),
}

impl Under {
    const fn new(name: &'static str, kind: EngineKind) -> Under {
        Under { name, kind, agent: "", is_keyed: true, model: None, program: None }
    }

    /// Whether it is a program of somebody else's, played or real.
    pub fn is_program(&self) -> bool {
        self.program.is_some()
    }

    pub fn is_scripted(&self) -> bool {
        matches!(self.program, Some(Program::Scripted(_)))
    }

    pub fn is_real(&self) -> bool {
        matches!(self.program, Some(Program::Real(_)))
    }

    pub fn is_practice(&self) -> bool {
        self.kind == EngineKind::Practice
    }

    /// Whether what it costs is known to the nano-dollar: we meter, or the stand-in reports what the provider charges.
    pub fn is_metered(&self) -> bool {
        !self.is_practice() && (self.is_keyed || self.is_scripted())
    }

    /// How it is started against a provider.
    pub fn spec(&self, provider: &Provider, folder: &Folder) -> EngineSpec {
        let (mut program, mut args) = (None, Vec::new());
        match &self.program {
            Some(Program::Scripted(part)) => {
                let this = std::env::current_exe().unwrap().display().to_string();
                args = vec![AS_AGENT.to_owned(), (*part).to_owned()];
                program = Some(this.clone());
                if !self.is_keyed {
                    args.extend(["--own-base-url".into(), provider.url(), "--own-key".into(), OWN_KEY.into()]);
                }
                // What such an agent keeps of its conversations, and where, is its own affair.
                if !self.is_keyed || self.kind == EngineKind::Acp {
                    args = [vec![format!("HOME={}", folder.own().display()), this], args].concat();
                    program = Some("/usr/bin/env".into());
                }
            }
            Some(Program::Real(installed)) => (program, args) = installed.start(provider, folder),
            None => {}
        }
        let base_url = match self.kind {
            EngineKind::Practice => None,
            EngineKind::OpenaiApi | EngineKind::Codex => Some(format!("{}/v1", provider.url())),
            _ => Some(provider.url()),
        };
        EngineSpec {
            kind: self.kind,
            base_url,
            api_key: self.is_keyed.then(|| KEY.to_owned()),
            pace: 100.0,
            agent: self.agent.into(),
            model: self.model.map(str::to_owned),
            program,
            args,
        }
    }
}

/// All of them: the real programs where there are any, else everything that is played here.
pub fn all() -> Vec<Under> {
    if let Some(folder) = std::env::var_os("AICIB_ENGINES") {
        return real::all(&PathBuf::from(folder));
    }
    let scripted = |name, kind, part| Under { program: Some(Program::Scripted(part)), ..Under::new(name, kind) };
    vec![
        Under { is_keyed: false, ..Under::new("practice", EngineKind::Practice) },
        Under::new("anthropic-api", EngineKind::AnthropicApi),
        Under { model: Some("gpt-5"), ..Under::new("openai-api", EngineKind::OpenaiApi) },
        scripted("claude-code", EngineKind::ClaudeCode, "claude"),
        Under { is_keyed: false, ..scripted("claude-code, own login", EngineKind::ClaudeCode, "claude") },
        Under { model: Some("gpt-5"), ..scripted("codex", EngineKind::Codex, "codex") },
        Under { is_keyed: false, model: Some("gpt-5"), ..scripted("codex, own login", EngineKind::Codex, "codex") },
        Under { agent: "claude", ..scripted("acp", EngineKind::Acp, "acp") },
        Under { agent: "custom", is_keyed: false, ..scripted("acp, own login", EngineKind::Acp, "acp") },
    ]
}
