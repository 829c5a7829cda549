//! A spec made into a brief: folders made, the company read, how commands are confined worked out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::{Confined, EngineSpec, Error, ErrorCode, JobId, Sandbox, SandboxSpec, WorkerSpec};
use engine::{Brief, Grants, Ids, KeptFiles, Memory, Rules};
use process::sandbox::{self, Level};
use process::{Grace, Mark, Network, Policy};

/// The folder of a run's conversations, inside its own.
const TALK: &str = "talk";
/// The folder for what engines' programs keep, where the daemon names none.
const STATE: &str = "state";

/// A brief, and what is to be said of it before it begins.
pub(crate) struct Prepared {
    pub brief: Brief,
    pub warnings: Vec<String>,
}

/// Prepares a brief.
///
/// # Errors
/// A company that does not read (E014), folders that cannot be made.
pub(crate) fn prepare(spec: &WorkerSpec, mark: &Mark, grace: &Grace, rules: &Rules) -> Result<Prepared, Error> {
    let company = company::load(Path::new(&spec.company_dir)).map_err(|error| config_failed(error, spec.job_id))?;
    prepare_for(spec, company, mark, grace, rules)
}

/// Prepares a brief for a company that was read already.
///
/// # Errors
/// Folders that cannot be made.
pub(crate) fn prepare_for(
    spec: &WorkerSpec,
    company: company::Company,
    mark: &Mark,
    grace: &Grace,
    rules: &Rules,
) -> Result<Prepared, Error> {
    let run_dir = PathBuf::from(&spec.run_dir);
    let tmp_dir = run_dir.join("tmp");
    own_folder(&tmp_dir)?;
    let state_dir = if spec.state_dir.is_empty() { run_dir.join(STATE) } else { PathBuf::from(&spec.state_dir) };
    // Only programs keep anything there.
    if std::iter::once(&spec.engine).chain(spec.engines.values()).any(|engine| engine.kind.is_program()) {
        own_folder(&state_dir)?;
    }
    let mut warnings = company.problems();
    let (policy, more) = policy(&company.dir, &tmp_dir, Path::new(&spec.home), &spec.sandbox);
    warnings.extend(more);
    let brief = Brief {
        company: Arc::new(company),
        agent: spec.agent.clone(),
        job_id: spec.job_id,
        directive: spec.directive.clone(),
        history: spec.history.clone(),
        journal: spec.journal.clone(),
        memory: Memory {
            dir: Some(run_dir.join(TALK)),
            resume: spec.resume_dir.as_ref().map(|dir| Path::new(dir).join(TALK)),
        },
        limits: spec.limits.clone(),
        mark: (mark.name.clone(), mark.value.clone()),
        kept: KeptFiles::default(),
        run_dir,
        tmp_dir,
        grace: grace.clone(),
        spec: spec.engine.clone(),
        engines: spec.engines.clone(),
        conversation: spec.conversation.clone(),
        state_dir,
        rules: rules.clone(),
        granted: Grants::new(spec.granted.clone()),
        sandbox: policy,
        confined: confined(spec.sandbox.mode),
        must_confine: spec.sandbox.mode == Sandbox::Required,
        aicib: own_program(),
        ids: Ids::default(),
    };
    Ok(Prepared { brief, warnings })
}

/// The engine of whoever takes the brief.
pub(crate) fn engine_of(spec: &WorkerSpec) -> EngineSpec {
    spec.engines.get(&spec.agent).unwrap_or(&spec.engine).clone()
}

/// How far commands and programs are confined here.
fn confined(mode: Sandbox) -> Confined {
    if mode == Sandbox::Off {
        return Confined::No;
    }
    match sandbox::support().level {
        Level::Full => Confined::Full,
        Level::Partly => Confined::Partly,
        Level::No => Confined::No,
    }
}

/// What commands may reach, and what is to be said of it. Nothing is granted that would open AICIB's own home.
fn policy(company: &Path, tmp: &Path, home: &Path, spec: &SandboxSpec) -> (Policy, Vec<String>) {
    let network = if spec.network { Network::On } else { Network::Off };
    let mut policy = Policy::new(company, tmp).network(network);
    let mut warnings = Vec::new();
    if policy.reaches(home) {
        warnings.push(format!(
            "The company's folder {} has AICIB's own data in it, so commands of agents can read that. Move the company \
             to a folder of its own.",
            company.display()
        ));
        return (policy, warnings);
    }
    for folder in spec.read.iter().map(PathBuf::from) {
        let more = policy.clone().read(&folder);
        if !folder.is_absolute() || more.reaches(home) {
            warnings.push(format!(
                "Commands of agents may not read {}: it is no absolute path, or AICIB's own data is in it.",
                folder.display()
            ));
            continue;
        }
        policy = more;
    }
    (policy, warnings)
}

/// The program that this process is. One that was replaced meanwhile is still there as this process.
fn own_program() -> PathBuf {
    match std::env::current_exe() {
        Ok(program) if program.exists() => program,
        _ => PathBuf::from(format!("/proc/{}/exe", std::process::id())),
    }
}

/// Makes a folder that nobody else may look into.
fn own_folder(folder: &Path) -> Result<(), Error> {
    let failed = |error| Error::internal(format!("The run's folder {} cannot be made: {error}.", folder.display()));
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It may have been there already.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// E014: the config went away or broke between the brief and the run.
fn config_failed(mut error: Error, job_id: JobId) -> Error {
    error.message = format!("Config load failed for job {job_id}: {}", error.message);
    if error.code == ErrorCode::INTERNAL {
        tracing::error!(%error, "the company does not read");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_that_opens_the_home() {
        let temp = tempfile::tempdir().unwrap();
        let (company, tmp) = (temp.path().join("acme"), temp.path().join("home/runs/1/tmp"));
        let (home, docs) = (temp.path().join("home"), temp.path().join("docs"));
        for folder in [&company, &tmp, &docs] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let text = |path: &Path| path.display().to_string();
        let spec = SandboxSpec {
            mode: Sandbox::Auto,
            network: false,
            read: vec![text(&docs), text(temp.path()), text(&home), "docs".into()],
        };
        let (granted, warnings) = policy(&company, &tmp, &home, &spec);
        assert_eq!((warnings.len(), granted.reaches(&home)), (3, false));
        assert!(granted.reaches(&docs) && granted.reaches(&company) && granted.reaches(&tmp));
        assert_eq!(granted.network, Network::Off);
        let (_, warnings) = policy(temp.path(), &tmp, &home, &spec);
        assert_eq!(warnings.len(), 1, "the company's folder has the home in it");
    }

    #[cfg(unix)]
    #[test]
    fn folders_of_a_run_are_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("engines/3");
        std::fs::create_dir_all(&folder).unwrap();
        own_folder(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
