//! What a run keeps of the files that it changes, in its own folder: what they were before, and what it left. For
//! whoever wants to see afterwards what was done to them.

mod list;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use contract::{FileChange, KEPT_AFTER, KEPT_BEFORE};
use similar::{Algorithm, ChangeTag, TextDiff};

use self::list::{Image, List};
use self::survey::{Change, Survey};
use crate::tools::show;

/// Files that are found changed, at most.
const MOST_FOUND: usize = 2_000;
/// How long the lines of one file are compared for the numbers in its change; then they are an upper bound.
const DIFF_TIME: Duration = Duration::from_millis(100);

/// What a run keeps of files. Clones share it.
#[derive(Clone, Default)]
pub struct KeptFiles(Option<Arc<Shared>>);

struct Shared {
    run_dir: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// What files were before the run.
    before: List,
    survey: Option<Survey>,
    /// The run has begun: a look through the folder that ends now would take what the run did for what there was.
    begun: bool,
}

/// What was found in a folder after a run.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Files that are not what they were, those that were told of already left out.
    pub changes: Vec<FileChange>,
    /// Whether there may be more of them.
    pub more: bool,
}

impl KeptFiles {
    /// Keeps in the folder of a run.
    pub fn new(run_dir: &Path) -> KeptFiles {
        let state = State { before: List::new(run_dir.join(KEPT_BEFORE)), survey: None, begun: false };
        KeptFiles(Some(Arc::new(Shared { run_dir: run_dir.to_owned(), state: Mutex::new(state) })))
    }

    /// Looks through the company's folder, so that [`KeptFiles::found`] can say what has become of it. It takes as long as
    /// `patience` at most; what it does not come to is not known then.
    pub fn survey(&self, company: &Path, patience: Duration, is_over: &dyn Fn() -> bool) {
        let Some(shared) = &self.0 else { return };
        let until = Instant::now() + patience;
        match Survey::take(company, &shared.run_dir, &|| is_over() || Instant::now() > until) {
            Ok(survey) => {
                let mut state = shared.state();
                if state.begun {
                    tracing::warn!("the look through the company's folder ended too late to be of use");
                } else {
                    state.survey = Some(survey);
                }
            }
            Err(error) => tracing::warn!(%error, "what files are before the run is not kept"),
        }
    }

    /// The run begins, whether or not the look before it has ended.
    pub fn begin(&self) {
        if let Some(shared) = &self.0 {
            shared.state().begun = true;
        }
    }

    /// Keeps what a file is before the run changes it for the first time.
    pub(crate) fn before(&self, dir: &Dir, real: &Path) {
        let Some(shared) = &self.0 else { return };
        let path = show(real);
        let mut state = shared.state();
        let State { before, survey, .. } = &mut *state;
        if before.has(&path) {
            return;
        }
        let known = survey.as_mut().and_then(|survey| survey.image(&path));
        before.keep(&path, known.unwrap_or_else(|| list::read(dir, real)));
    }

    /// Looks at the company's folder again: says what has changed, those files left out that `told` has, and keeps what
    /// the run left of each. It takes about as long as `patience` at most.
    pub fn found(&self, company: &Path, told: &BTreeSet<String>, patience: Duration) -> Found {
        let Some(shared) = &self.0 else { return Found::default() };
        let until = Instant::now() + patience;
        let dir = match Dir::open_ambient_dir(company, ambient_authority()) {
            Ok(dir) => dir,
            Err(error) => {
                tracing::warn!(%error, "what the run left is not kept");
                return Found::default();
            }
        };
        let mut state = shared.state();
        let State { before, survey, .. } = &mut *state;
        let mut after = List::new(shared.run_dir.join(KEPT_AFTER));
        let mut found = Found::default();
        if let Some(survey) = survey {
            let (changed, whole) = survey.changed(&dir, company, &|| Instant::now() > until);
            found.more = !whole || changed.len() > MOST_FOUND;
            for Change { path, real, was } in changed.into_iter().take(MOST_FOUND) {
                let is = list::read(&dir, &real);
                let change = numbers(&path, &was, &is, Instant::now() > until);
                before.keep(&path, was);
                after.keep(&path, is);
                if !told.contains(&path) {
                    found.changes.push(change);
                }
            }
        }
        for path in before.paths() {
            if !after.has(&path) {
                after.keep(&path, list::read(&dir, Path::new(&path)));
            }
        }
        found
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change in numbers; in coarse ones where there is no time.
fn numbers(path: &str, was: &Image, is: &Image, in_haste: bool) -> FileChange {
    let (old, new) = (was.text(), is.text());
    let lines = |text: &str| i64::try_from(text.lines().count()).unwrap_or(i64::MAX);
    let (mut added, mut removed) = (0, 0);
    if in_haste || old.is_empty() || new.is_empty() {
        (added, removed) = (lines(new), lines(old));
    } else {
        let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(DIFF_TIME).diff_lines(old, new);
        for line in diff.iter_all_changes() {
            match line.tag() {
                ChangeTag::Insert => added += 1,
                ChangeTag::Delete => removed += 1,
                ChangeTag::Equal => {}
            }
        }
    }
    // Of one whose lines are not known on one side, those of the other are no change.
    if !(was.is_known() && is.is_known()) {
        (added, removed) = (0, 0);
    }
    FileChange { path: path.to_owned(), created: *was == Image::Absent, added, removed }
}
