//! What a service unit that started us is told: that we are ready, and that we stop.

/// Where to tell it.
const SOCKET_VAR: &str = "NOTIFY_SOCKET";

/// Clients are served from now on.
pub fn ready() {
    tell("READY=1");
}

/// The daemon ends.
pub fn stopping() {
    tell("STOPPING=1");
}

fn tell(what: &str) {
    let Some(socket) = std::env::var_os(SOCKET_VAR).filter(|socket| !socket.is_empty()) else { return };
    if let Err(error) = send(&socket, what) {
        tracing::warn!(%error, what, "the unit that started us could not be told");
    }
}

#[cfg(target_os = "linux")]
fn send(socket: &std::ffi::OsStr, what: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(what.as_bytes(), &address)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn send(_socket: &std::ffi::OsStr, _what: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[test]
    fn it_is_told_by_path_and_by_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("aicib-test-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (listener, address) in [(by_path, path.into_os_string()), (by_name, format!("@{name}").into())] {
            send(&address, "READY=1").unwrap();
            let mut said = [0u8; 32];
            let length = listener.recv(&mut said).unwrap();
            assert_eq!(&said[..length], b"READY=1");
        }
    }
}
