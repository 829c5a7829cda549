//! The company's files before the run and after it: what commands and programs did to them is found by comparing.

use std::path::PathBuf;
use std::time::Duration;

use contract::{EngineKind, EventBody, FileChange, NoticeLevel};
use engine::{Brief, Found, KeptFiles};
use tokio_util::sync::CancellationToken;

use crate::host::{RunHost, notice};

/// How long the look before the run may take, and the one after it; and after one that was told to stop.
const BEFORE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(5);
const AFTER_A_STOP: Duration = Duration::from_millis(500);
/// Files of one event, and bytes of their paths.
const FILES: usize = 200;
const BYTES: usize = 64 * 1024;

/// The files of a run's company.
#[derive(Clone)]
pub(crate) struct Files {
    pub kept: KeptFiles,
    pub company: PathBuf,
}

impl Files {
    /// Looks through the folder, where something may happen in it that no tool call of ours tells. Before the first call.
    pub async fn look_before(&self, brief: &Brief, stop: &CancellationToken) {
        if !may_surprise(brief) {
            return;
        }
        let (files, stop) = (self.clone(), stop.clone());
        let look = tokio::task::spawn_blocking(move || {
            files.kept.survey(&files.company, BEFORE, &|| stop.is_cancelled());
        });
        // A disk that is gone answers never: then nobody waits for it.
        match tokio::time::timeout(BEFORE * 2, look).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the look through the company's folder broke"),
            Err(_) => tracing::warn!("the company's folder answers too slowly to be looked through"),
        }
        self.kept.begin();
    }

    /// Looks again, keeps what the run left, and says what was found. After the last process of the run.
    pub async fn look_after(&self, host: &RunHost) {
        let stopped = host.stop.is_cancelled();
        // Whoever stops a run waits for its end.
        let patience = if stopped { AFTER_A_STOP } else { AFTER };
        let (files, told) = (self.clone(), host.told());
        let look = tokio::task::spawn_blocking(move || files.kept.found(&files.company, &told, patience));
        let Found { changes, more } = match tokio::time::timeout(patience * 2, look).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return tracing::error!(%error, "the second look through the company's folder broke"),
            Err(_) => return tracing::warn!("the company's folder answers too slowly to be looked through again"),
        };
        let mut bodies: Vec<EventBody> =
            parts(changes).into_iter().map(|changes| EventBody::FilesFound { changes }).collect();
        if more && !stopped {
            let text = "The company's folder is too large, or too much of it changed, to know of every changed file.";
            bodies.push(notice(NoticeLevel::Info, text));
        }
        for body in bodies {
            if let Err(error) = host.emit_own(body) {
                return tracing::warn!(%error, "changed files could not be recorded");
            }
        }
    }
}

/// Whether something may be done to files that no tool of ours does: by commands, or by programs.
fn may_surprise(brief: &Brief) -> bool {
    let commands = brief.company.config.commands.unwrap_or(brief.confined != contract::Confined::No);
    let mut kinds = std::iter::once(&brief.spec).chain(brief.engines.values()).map(|spec| spec.kind);
    kinds.any(|kind| kind.is_program() || (commands && kind != EngineKind::Practice))
}

/// Changes in parts that fit an event.
fn parts(changes: Vec<FileChange>) -> Vec<Vec<FileChange>> {
    let mut parts: Vec<Vec<FileChange>> = Vec::new();
    let mut bytes = 0;
    for change in changes {
        bytes += change.path.len();
        match parts.last_mut() {
            Some(part) if part.len() < FILES && bytes <= BYTES => part.push(change),
            _ => {
                bytes = change.path.len();
                parts.push(vec![change]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_is_larger_than_can_be_shown() {
        let change = |path: String| FileChange { path, created: false, added: 0, removed: 0 };
        let sizes = |changes: Vec<FileChange>| parts(changes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..450).map(|n| change(n.to_string())).collect()), [200, 200, 50]);
        assert_eq!(sizes((0..40).map(|_| change("x".repeat(4_000))).collect()), [16, 16, 8]);
        assert!(parts(Vec::new()).is_empty());
    }
}
