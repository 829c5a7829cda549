//! A company on disk, and all that a run of it has around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contract::{Act, Confined, EngineSpec, JobId, Origin, Rule, RuleId, RunLimits, Time, Verdict};
use engine::{Brief, Grants, Ids, Memory, Rules};
use tempfile::TempDir;

/// How long programs may take to end when told to.
const GRACE: Duration = Duration::from_secs(3);

/// A home with a company in it, gone when dropped.
pub struct Folder {
    home: TempDir,
    /// The company's folder.
    pub dir: PathBuf,
}

impl Folder {
    pub fn new() -> Folder {
        let home = testkit::temp_home();
        let dir = home.path().join("acme");
        let spec = company::Create {
            name: "Acme".into(),
            dir: dir.clone(),
            structure: Some("full-c-suite".into()),
            engine: Some("practice".into()),
            ..company::Create::default()
        };
        company::create(&spec).unwrap();
        let file = dir.join(company::CONFIG_FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, company::config::set(&text, "tools.commands", "true").unwrap()).unwrap();
        for folder in ["run/tmp", "state", "own"] {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        Folder { home, dir }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What a program has as a home of its own, where it has its own login.
    pub fn own(&self) -> PathBuf {
        self.home().join("own")
    }

    /// The brief of a run, with every act allowed.
    pub fn brief(&self, directive: &str, spec: EngineSpec) -> Brief {
        let run_dir = self.home().join("run");
        Brief {
            company: Arc::new(company::load(&self.dir).unwrap()),
            // One of those that may run commands.
            agent: "cto".into(),
            job_id: JobId(7),
            directive: directive.into(),
            history: Vec::new(),
            journal: Vec::new(),
            memory: Memory { dir: Some(run_dir.join("talk")), resume: None },
            limits: RunLimits::default(),
            mark: ("AICIB_RUN".into(), format!("{}:1", self.home().display())),
            tmp_dir: run_dir.join("tmp"),
            run_dir,
            grace: GRACE.into(),
            spec,
            engines: BTreeMap::new(),
            conversation: None,
            state_dir: self.home().join("state"),
            rules: rules(Verdict::Allow),
            granted: Grants::default(),
            sandbox: process::Policy::default(),
            confined: Confined::No,
            must_confine: false,
            aicib: PathBuf::from("/nowhere/aicib"),
            kept: engine::KeptFiles::default(),
            ids: Ids::default(),
        }
    }

    /// What lies beside the company's folder and the run's own: nothing, or it is named.
    pub fn strangers(&self) -> Vec<PathBuf> {
        let known = ["acme", "run", "state", "own"];
        let all = std::fs::read_dir(self.home()).unwrap().flatten().map(|entry| entry.path());
        all.filter(|path| !known.iter().any(|name| path.ends_with(name))).collect()
    }
}

/// Rules by which commands get this verdict and all else is allowed.
pub fn rules(commands: Verdict) -> Rules {
    let rule = |(number, act): (usize, Act)| Rule {
        rule_id: RuleId(number as i64 + 1),
        company_id: contract::CompanyId(1),
        job_id: None,
        agent: None,
        act,
        subject: None,
        verdict: if matches!(act, Act::Command | Act::WriteElsewhere) { commands } else { Verdict::Allow },
        created_at: Time(0),
        origin: Origin::Desk,
    };
    Rules::new(Act::ALL.into_iter().enumerate().map(rule).collect())
}
