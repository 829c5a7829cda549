//! What we ask of the system as a whole.

use std::io;
use std::path::Path;

/// Bytes that we may still write to the disk that holds `path`.
///
/// # Errors
/// When the system does not say.
#[cfg(target_os = "linux")]
pub fn free_space(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that we may still write to the disk that holds `path`.
///
/// # Errors
/// When no disk holds it.
#[cfg(not(target_os = "linux"))]
pub fn free_space(path: &Path) -> io::Result<u64> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let disk = disks
        .iter()
        .filter(|disk| path.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().as_os_str().len());
    disk.map(sysinfo::Disk::available_space).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

const SESSION_BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Takes a client's session bus where we were started without one (from a plain shell, by a service).
pub fn lend_session_bus(address: &str) {
    if std::env::var_os(SESSION_BUS).is_some() || address.is_empty() {
        return;
    }
    // SAFETY: only code that reads the environment through C at the same moment could be hurt. Rust's own readers
    // take a lock, and the D-Bus library that reads this variable is written in Rust.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var(SESSION_BUS, address);
    }
}
