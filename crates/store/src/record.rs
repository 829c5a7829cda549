//! What a run's folder says about its job: enough to make the rows of job and run again where the database is lost.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use contract::{CompanyId, EngineKind, JobId, Money, Origin, RunId, SessionId, Time};
use serde::{Deserialize, Serialize};

use crate::fold::CEO;

/// The file's name in the run's folder.
pub const RECORD_FILE: &str = "job.json";
/// Bytes of the file, at most: a directive is the longest thing in it.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// A job and one of its runs, as they stand in the run's folder. No secret is in it: of the run's token the hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The run.
    pub run_id: RunId,
    /// The job.
    pub job_id: JobId,
    /// Its session.
    pub session_id: SessionId,
    /// Its company.
    pub company_id: CompanyId,
    /// The company's folder, absolute.
    pub company_dir: String,
    /// The company's name.
    pub company_name: String,
    /// The job that it restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_job_id: Option<JobId>,
    /// Whom it was sent to (role).
    #[serde(default = "ceo")]
    pub agent: String,
    /// What is to be done.
    pub directive: String,
    /// The engine it runs on.
    pub engine: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    #[serde(default)]
    pub engine_agent: String,
    /// From which door it came.
    pub origin: Origin,
    /// Whether somebody waits for it in a terminal.
    pub foreground: bool,
    /// Its own limit; zero means none.
    pub max_cost: Money,
    /// Its priority.
    #[serde(default)]
    pub priority: i64,
    /// When it was briefed.
    pub created_at: Time,
    /// When the run was claimed.
    pub claimed_at: Time,
    /// The hash of the run's token.
    pub token_hash: String,
    /// The worker's process, once it is started: pid, start in clock ticks since boot, and the boot. The file is
    /// written again when it is known; without it a worker that lives cannot be told from one that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<(u32, u64, String)>,
}

/// Whom every brief was sent to before heads could be briefed directly.
fn ceo() -> String {
    CEO.into()
}

impl JobRecord {
    /// Writes the record to the run's folder, whole or not at all, readable by its user alone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, run_dir: &Path) -> io::Result<()> {
        let part = run_dir.join("job.json.part");
        let mut options = fs::OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        fs::rename(&part, run_dir.join(RECORD_FILE))
    }

    /// Reads the record of a run's folder; `None` where there is none.
    ///
    /// # Errors
    /// What the file system says, and a file that is no record.
    pub fn read(run_dir: &Path) -> io::Result<Option<JobRecord>> {
        let path = run_dir.join(RECORD_FILE);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() > MAX_BYTES => return Err(io::Error::other("it is too long")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(serde_json::from_slice(&fs::read(path)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn record() -> JobRecord {
        JobRecord {
            run_id: RunId(7),
            job_id: JobId(5),
            session_id: SessionId(2),
            company_id: CompanyId(1),
            company_dir: "/companies/acme".into(),
            company_name: "Acme".into(),
            parent_job_id: None,
            agent: "cto".into(),
            directive: "Write the imprint".into(),
            engine: EngineKind::Practice,
            engine_agent: String::new(),
            origin: Origin::Cli,
            foreground: false,
            max_cost: Money::ZERO,
            priority: 0,
            created_at: Time(1000),
            claimed_at: Time(2000),
            token_hash: "hash".into(),
            process: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(JobRecord::read(dir.path()).unwrap(), None);
        let record = JobRecord { process: Some((12, 3_456, "boot".into())), ..record() };
        record.write(dir.path()).unwrap();
        assert_eq!(JobRecord::read(dir.path()).unwrap(), Some(record));
        fs::write(dir.path().join(RECORD_FILE), "{").unwrap();
        assert!(JobRecord::read(dir.path()).is_err());
    }
}
