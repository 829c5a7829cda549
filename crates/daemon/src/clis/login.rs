//! Whether a program is logged in at its provider. None of these looks touches the network.
//!
//! - Claude Code: `~/.claude/.credentials.json` (Linux, Windows), else `claude auth status --json`, which reads its own
//!   files and the system's keychain. It is asked only where it was used before: it makes its files where it has none.
//! - Codex: `codex login status`, which reads `~/.codex/auth.json` or the keychain; only where there is a `~/.codex`.
//! - Gemini CLI: `~/.gemini/oauth_creds.json`. It can be logged in otherwise, so its absence says nothing.
//! - opencode: `~/.local/share/opencode/auth.json`. It has models that need no login, so its absence says nothing.
//! - The ACP adapters of Claude Code and Codex use the login of these.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use contract::{EngineKind, Login};
use serde_json::Value;

use super::ask::{Answer, ask};

/// How long a program may take to say whether it is logged in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a file that is looked into, at most.
const BYTES: u64 = 256 * 1024;

/// Whether a program is logged in. For an adapter, `inner` is the program whose login it uses.
pub async fn of(kind: EngineKind, agent: &str, inner: Option<&Path>, path: &OsStr, home: Option<&Path>) -> Login {
    let Some(home) = home else { return Login::Unknown };
    match (kind, agent) {
        (EngineKind::ClaudeCode, _) | (EngineKind::Acp, "claude") => claude(inner, path, home).await,
        (EngineKind::Codex, _) | (EngineKind::Acp, "codex") => codex(inner, path, home).await,
        (EngineKind::Acp, "gemini") => known(json(&home.join(".gemini/oauth_creds.json")).is_some()),
        (EngineKind::Acp, "opencode") => {
            let file = json(&home.join(".local/share/opencode/auth.json"));
            known(file.is_some_and(|logins| logins.as_object().is_some_and(|logins| !logins.is_empty())))
        }
        (EngineKind::Acp, _) => Login::Unknown,
        (EngineKind::AnthropicApi | EngineKind::OpenaiApi | EngineKind::Practice, _) => Login::None,
    }
}

fn known(is_in: bool) -> Login {
    if is_in { Login::In } else { Login::Unknown }
}

async fn claude(program: Option<&Path>, path: &OsStr, home: &Path) -> Login {
    let file = json(&home.join(".claude/.credentials.json"));
    if file.is_some_and(|file| file["claudeAiOauth"]["accessToken"].is_string()) {
        return Login::In;
    }
    if !home.join(".claude").exists() && !home.join(".claude.json").exists() {
        return Login::Out;
    }
    let Some(program) = program else { return Login::Unknown };
    ask(program, &["auth", "status", "--json"], path, PATIENCE).await.map_or(Login::Unknown, |answer| said(&answer))
}

/// What `claude auth status --json` said. An older one knows no such command.
fn said(answer: &Answer) -> Login {
    let from = answer.stdout.find('{').unwrap_or_default();
    match serde_json::from_str::<Value>(&answer.stdout[from..]).ok().and_then(|said| said["loggedIn"].as_bool()) {
        Some(true) => Login::In,
        Some(false) => Login::Out,
        None => Login::Unknown,
    }
}

async fn codex(program: Option<&Path>, path: &OsStr, home: &Path) -> Login {
    let folder = home.join(".codex");
    if !folder.exists() {
        return Login::Out;
    }
    let Some(program) = program else { return known(folder.join("auth.json").exists()) };
    match ask(program, &["login", "status"], path, PATIENCE).await.map(|answer| answer.exit) {
        Ok(Some(0)) => Login::In,
        Ok(Some(1)) => Login::Out,
        _ => known(folder.join("auth.json").exists()),
    }
}

fn json(file: &Path) -> Option<Value> {
    if std::fs::metadata(file).ok()?.len() > BYTES {
        return None;
    }
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn look(kind: EngineKind, agent: &str, home: &Path) -> Login {
        of(kind, agent, None, OsStr::new("/bin"), Some(home)).await
    }

    #[tokio::test]
    async fn a_login_is_known_from_the_programs_own_files() {
        let home = tempfile::tempdir().unwrap();
        let here = home.path();
        let put = |file: &str, text: &str| {
            let file = here.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        assert_eq!(look(EngineKind::ClaudeCode, "", here).await, Login::Out, "it was never used");
        assert_eq!(look(EngineKind::Codex, "", here).await, Login::Out);
        put(".claude/.credentials.json", "{}");
        assert_eq!(look(EngineKind::ClaudeCode, "", here).await, Login::Unknown);
        put(".claude/.credentials.json", r#"{"claudeAiOauth": {"accessToken": "x"}}"#);
        assert_eq!(look(EngineKind::ClaudeCode, "", here).await, Login::In);
        assert_eq!(look(EngineKind::Acp, "claude", here).await, Login::In);
        put(".codex/auth.json", "{}");
        assert_eq!(look(EngineKind::Acp, "codex", here).await, Login::In);
        assert_eq!(look(EngineKind::Acp, "gemini", here).await, Login::Unknown);
        put(".gemini/oauth_creds.json", "{}");
        assert_eq!(look(EngineKind::Acp, "gemini", here).await, Login::In);
        put(".local/share/opencode/auth.json", "{}");
        assert_eq!(look(EngineKind::Acp, "opencode", here).await, Login::Unknown);
        assert_eq!(look(EngineKind::Practice, "", here).await, Login::None);
    }

    #[test]
    fn what_claude_says_of_its_login() {
        let answer = |stdout: &str| Answer { exit: Some(1), stdout: stdout.to_owned() };
        assert_eq!(said(&answer("{\n  \"loggedIn\": false\n}\n")), Login::Out);
        assert_eq!(said(&answer("warning\n{\"loggedIn\": true}")), Login::In);
        assert_eq!(said(&answer("error: unknown command 'auth'")), Login::Unknown);
        assert_eq!(said(&answer("")), Login::Unknown);
    }
}
