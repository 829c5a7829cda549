//! Looks after the folders of the companies whose Desk somebody has open: what is changed there by hand is shown at once.
//! (A brief reads the files anew in any case.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use company::{AGENTS_DIR, CONFIG_FILE};
use contract::CompanyId;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use store::CompanyRow;

use crate::app::App;
use crate::companies::blocking;
use crate::hub::Touched;

/// Folders that are looked after at once, at most: the system has few watches to give.
const MAX_FOLDERS: usize = 64;

/// The folders that are looked after.
#[derive(Default)]
pub struct Folders(Mutex<HashMap<CompanyId, Weak<Watched>>>);

/// A folder that is looked after, as long as somebody holds this.
pub struct Watched(Mutex<Option<RecommendedWatcher>>);

/// Looks after a company's folder from now on. Where the system does not let us, that is said in the log, and changes
/// are seen with the next look.
pub async fn watch(app: &App, company: &CompanyRow) -> Option<Arc<Watched>> {
    let (watched, is_new) = app.folders.claim(company.company_id)?;
    if !is_new {
        return Some(watched);
    }
    let (company_id, dir) = (company.company_id, PathBuf::from(&company.dir));
    let shown = company.dir.clone();
    let daemon = Arc::downgrade(app);
    let changed = move || {
        if let Some(app) = daemon.upgrade() {
            app.announce(company_id, &Touched::all(), &[]);
        }
    };
    // Off the async threads: a folder may lie on a disk that takes its time.
    match blocking(move || watcher(&dir, changed).map_err(contract::Error::internal)).await {
        Ok(watcher) => *watched.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(watcher),
        Err(error) => tracing::warn!(%error, dir = shown, "a company's folder cannot be looked after"),
    }
    Some(watched)
}

impl Folders {
    /// The company's folder, and whether nobody looked after it before; `None` for one too many.
    fn claim(&self, company_id: CompanyId) -> Option<(Arc<Watched>, bool)> {
        let mut folders = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(watched) = folders.get(&company_id).and_then(Weak::upgrade) {
            return Some((watched, false));
        }
        folders.retain(|_, watched| watched.strong_count() > 0);
        if folders.len() >= MAX_FOLDERS {
            tracing::warn!(%company_id, "{MAX_FOLDERS} folders are looked after, as many as there may be");
            return None;
        }
        let watched = Arc::new(Watched(Mutex::default()));
        folders.insert(company_id, Arc::downgrade(&watched));
        Some((watched, true))
    }
}

/// Calls `changed` when the config or an agent's file has changed.
fn watcher(dir: &Path, changed: impl Fn() + Send + 'static) -> notify::Result<RecommendedWatcher> {
    let config = dir.join(CONFIG_FILE);
    let agents = dir.join(AGENTS_DIR);
    let of_agents = agents.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) if concerns(&event, &config, &of_agents) => changed(),
        Ok(_) => {}
        Err(error) => {
            // What happened is not known: it may have been the config.
            tracing::warn!(%error, "a company's folder could not be looked after for a moment");
            changed();
        }
    })?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    if agents.is_dir() {
        watcher.watch(&agents, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether a change is one of the config or of an agent's file. That we read them ourselves is none.
fn concerns(event: &Event, config: &Path, agents: &Path) -> bool {
    if event.need_rescan() {
        return true;
    }
    let is_ours = |path: &PathBuf| {
        path == config || path.parent() == Some(agents) && path.extension().is_some_and(|ending| ending == "md")
    };
    !event.kind.is_access() && event.paths.iter().any(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn a_change_by_hand_is_heard_of_and_a_look_is_none() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().canonicalize().unwrap();
        let agents = dir.join(AGENTS_DIR);
        fs::create_dir_all(&agents).unwrap();
        fs::write(dir.join(CONFIG_FILE), "company:\n  name: Acme\n").unwrap();
        let (tell, told) = mpsc::channel();
        // Where the test has failed, nobody listens.
        let watcher = watcher(&dir, move || _ = tell.send(())).unwrap();

        fs::write(dir.join(CONFIG_FILE), "company:\n  name: Other\n").unwrap();
        told.recv_timeout(SOON).unwrap();
        // As editors save: another file, put in its place.
        fs::write(agents.join("ceo.part"), "---\nrole: ceo\n---\n").unwrap();
        while told.try_recv().is_ok() {}
        fs::rename(agents.join("ceo.part"), agents.join("ceo.md")).unwrap();
        told.recv_timeout(SOON).unwrap();

        // Nobody looks after it any more; what was on its way comes before the end.
        drop(watcher);
        let end = loop {
            match told.recv_timeout(SOON) {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, mpsc::RecvTimeoutError::Disconnected);
    }

    #[test]
    fn only_the_config_and_the_agents_files_count() {
        use notify::event::{AccessKind, EventKind, ModifyKind};
        let (config, agents) = (Path::new("/acme/aicib.config.yaml"), Path::new("/acme/.claude/agents"));
        let changed = |path: &str| Event::new(EventKind::Modify(ModifyKind::Any)).add_path(path.into());
        assert!(concerns(&changed("/acme/aicib.config.yaml"), config, agents));
        assert!(concerns(&changed("/acme/.claude/agents/cto.md"), config, agents));
        for other in ["/acme/page.md", "/acme/.claude/agents/cto.md.part", "/acme/docs/aicib.config.yaml"] {
            assert!(!concerns(&changed(other), config, agents), "{other}");
        }
        let looked = Event::new(EventKind::Access(AccessKind::Any)).add_path(config.to_owned());
        assert!(!concerns(&looked, config, agents), "else each look would bring the next");
        let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert!(concerns(&lost, config, agents));
    }

    #[test]
    fn a_folder_is_looked_after_once_and_no_longer_than_somebody_wants_it() {
        let folders = Folders::default();
        let (first, is_new) = folders.claim(CompanyId(1)).unwrap();
        assert!(is_new && !folders.claim(CompanyId(1)).unwrap().1);
        let others: Vec<_> = (2..=64).map(|id| folders.claim(CompanyId(id)).unwrap()).collect();
        assert!(folders.claim(CompanyId(65)).is_none());
        drop((first, others));
        assert!(folders.claim(CompanyId(65)).unwrap().1);
    }
}
