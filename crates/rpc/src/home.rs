//! Where things lie: one folder, private to its user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode, RunId, SessionId};
use sha2::{Digest, Sha256};

/// The variable that names the home, in place of the platform's data folder.
pub const HOME_VAR: &str = "AICIB_HOME";

/// Bytes of a socket's path, at most; systems differ (104 to 108), and this fits all of them.
const MAX_SOCKET_PATH: usize = 100;

/// The home: the folder that holds the database, the socket, the runs and the logs of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
    socket: PathBuf,
}

impl Home {
    /// The home of this environment: `AICIB_HOME`, else `aicib` in the platform's data folder.
    ///
    /// # Errors
    /// When there is no such folder and it cannot be made, or it belongs to another user.
    pub fn resolve() -> Result<Home, Error> {
        Home::at(Home::root_to_be()?)
    }

    /// The folder that [`Home::resolve`] takes, whether it is there or not. Nothing is made.
    ///
    /// # Errors
    /// When the environment names none.
    pub fn root_to_be() -> Result<PathBuf, Error> {
        if let Some(root) = std::env::var_os(HOME_VAR).filter(|root| !root.is_empty()) {
            return Ok(root.into());
        }
        let data = dirs::data_local_dir().ok_or_else(|| {
            Error::new(
                ErrorCode::INTERNAL,
                "This user has no home folder: HOME is not set, and the system's list of users names none.",
                format!("Set {HOME_VAR} to a folder for AICIB's data, or HOME."),
            )
        })?;
        Ok(data.join("aicib"))
    }

    /// The home at `root`; made where it is missing, readable by its user alone.
    ///
    /// # Errors
    /// When it cannot be made, or belongs to another user.
    pub fn at(root: impl Into<PathBuf>) -> Result<Home, Error> {
        let root = root.into();
        let given = root.clone();
        let failed = |error: io::Error| folder_error(&given, &error);
        let root = std::path::absolute(&root).map_err(failed)?;
        make_private(&root).map_err(failed)?;
        // One spelling for one home: processes of its runs are marked with it.
        #[cfg(unix)]
        let root = std::fs::canonicalize(&root).map_err(failed)?;
        if root.to_str().is_none() {
            // Workers and the database are told of it in text.
            return Err(folder_error(&root, &io::Error::other("its name is not in UTF-8")));
        }
        let socket = socket_path(&root)?;
        Ok(Home { root, socket })
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The daemon's socket. On Windows, the name of its pipe.
    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// The file whose lock makes a process this home's daemon.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("daemon.lock")
    }

    /// The file whose lock makes a process this home's desktop.
    pub fn desktop_lock_file(&self) -> PathBuf {
        self.root.join("desktop.lock")
    }

    /// The founder's credential.
    pub fn credential_file(&self) -> PathBuf {
        self.root.join("credential")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("aicib.db")
    }

    /// Copies of the database.
    pub fn backups_dir(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// The folders of all runs.
    pub fn runs_dir(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The folder of a run: its spool, its log, its temporary files.
    pub fn run_dir(&self, run_id: RunId) -> PathBuf {
        self.runs_dir().join(run_id.to_string())
    }

    /// What engines that are programs keep, a folder a session.
    pub fn engines_dir(&self) -> PathBuf {
        self.root.join("engines")
    }

    /// Where engines that are programs keep what they know of a session.
    pub fn engine_dir(&self, session_id: SessionId) -> PathBuf {
        self.engines_dir().join(session_id.to_string())
    }

    /// What the daemon has to say for itself.
    pub fn daemon_log(&self) -> PathBuf {
        self.root.join("daemon.log")
    }

    /// The sign of life of the daemon; there as long as one runs, and after one that did not end by itself.
    pub fn heartbeat(&self) -> PathBuf {
        self.root.join("heartbeat")
    }

    /// What the desktop has to say for itself.
    pub fn desktop_log(&self) -> PathBuf {
        self.root.join("desktop.log")
    }

    /// The keys, encrypted, where there is no keychain.
    pub fn key_file(&self) -> PathBuf {
        self.root.join("keys.age")
    }
}

fn folder_error(dir: &Path, error: &io::Error) -> Error {
    let code = if error.kind() == io::ErrorKind::StorageFull { ErrorCode::DISK_FULL } else { ErrorCode::INTERNAL };
    Error::new(
        code,
        format!("AICIB's folder {} cannot be used: {error}.", dir.display()),
        format!("Check who owns it, or set {HOME_VAR} to another folder."),
    )
}

/// Makes `dir` where it is missing, and private to its user where it is not.
#[cfg(unix)]
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let found = match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            fs::metadata(dir)?
        }
        Err(error) => return Err(error),
        Ok(_) => fs::metadata(dir)?,
    };
    if !found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"));
    }
    if found.uid() != own_uid() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// The user this process acts as.
#[cfg(unix)]
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn name_of(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn socket_path(root: &Path) -> Result<PathBuf, Error> {
    let inside = root.join("aicib.sock");
    if inside.as_os_str().len() <= MAX_SOCKET_PATH {
        return Ok(inside);
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let short = runtime.map(|dir| dir.join("aicib")).filter(|dir| dir.as_os_str().len() <= MAX_SOCKET_PATH - 24);
    let dir = short.unwrap_or_else(|| PathBuf::from(format!("/tmp/aicib-{}", own_uid())));
    if fs::symlink_metadata(&dir).is_ok_and(|found| found.is_symlink()) {
        return Err(folder_error(&dir, &io::Error::other("it is a link")));
    }
    make_private(&dir).map_err(|error| folder_error(&dir, &error))?;
    Ok(dir.join(format!("{}.sock", name_of(root))))
}

#[cfg(windows)]
fn socket_path(root: &Path) -> Result<PathBuf, Error> {
    Ok(PathBuf::from(format!(r"\\.\pipe\aicib-{}", name_of(root))))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_home_is_made_and_kept_private() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("deep/home");
        Home::at(&root).unwrap();
        assert_eq!(mode(&root), 0o700);
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home::at(&root).unwrap();
        assert_eq!(mode(&root), 0o700);
        assert_eq!(home.socket(), root.join("aicib.sock"));
    }

    #[test]
    fn a_long_path_gets_a_short_socket_of_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let one = Home::at(temp.path().join("a".repeat(120))).unwrap();
        let two = Home::at(temp.path().join("b".repeat(120))).unwrap();
        assert!(one.socket().as_os_str().len() <= MAX_SOCKET_PATH);
        assert_ne!(one.socket(), two.socket());
        let shared = one.socket().parent().unwrap().to_owned();
        assert_eq!(mode(&shared), 0o700);
        // Other homes may have sockets there; then it stays.
        let _in_use = fs::remove_dir(shared);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let temp = tempfile::tempdir().unwrap();
        let odd = temp.path().join(std::ffi::OsStr::from_bytes(b"home-\xff"));
        let error = Home::at(odd).unwrap_err();
        assert!(error.message.contains("UTF-8") && error.fix.contains("AICIB_HOME"), "{error}");
        let letters = temp.path().join("Büro – 会社 'x'");
        assert_eq!(Home::at(&letters).unwrap().root(), letters.canonicalize().unwrap());
    }

    #[test]
    fn a_file_in_its_place_is_refused_with_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Home::at(&file).unwrap_err();
        assert!(error.to_string().contains("AICIB_HOME"), "{error}");
    }
}
