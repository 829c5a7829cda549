//! The local socket itself: who may bind it, and who may connect.

use std::io;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use contract::{Error, ErrorCode};
use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::tokio::{Listener as SocketListener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::{GenericFilePath, ListenerOptions};

use crate::Home;

/// A connection; reading and writing go through shared references.
pub(crate) type Socket = Arc<Stream>;

/// The home's socket, bound. Dropping it takes the socket's file away.
pub struct Listener {
    socket: SocketListener,
}

/// Why a connection was not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error("cannot accept a connection: {0}")]
    Io(#[from] io::Error),
    #[error("user {0:?} is not this home's user")]
    Stranger(Option<u32>),
}

impl Listener {
    /// Binds the home's socket, open to its user alone. The socket of a dead daemon is taken away first, so the
    /// caller must hold the home's lock; anything else that lies there is moved aside. Needs a tokio runtime.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub fn bind(home: &Home) -> Result<Listener, Error> {
        let path = home.socket();
        let failed = |error: io::Error| {
            Error::new(
                ErrorCode::DAEMON_UNREACHABLE,
                format!("The socket {} cannot be opened: {error}.", path.display()),
                "Check the folder's permissions and free space; `aicib doctor` shows more.",
            )
        };
        clear(&path).map_err(failed)?;
        let name = path.as_path().to_fs_name::<GenericFilePath>().map_err(failed)?;
        let options = ListenerOptions::new().name(name);
        #[cfg(unix)]
        let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
        let socket = options.create_tokio().map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        }
        Ok(Listener { socket })
    }

    /// The next connection of our own user, and its process where the system says.
    pub(crate) async fn accept(&self) -> Result<(Socket, Option<u32>), AcceptError> {
        let stream = self.socket.accept().await?;
        let pid = check_peer(&stream)?;
        Ok((Arc::new(stream), pid))
    }
}

#[cfg(unix)]
fn check_peer(stream: &Stream) -> Result<Option<u32>, AcceptError> {
    let (uid, pid) = match stream.peer_creds() {
        Ok(peer) => (peer.euid(), peer.pid()),
        // Said as well of a peer in another namespace of processes, such as one outside of our container.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => peer_without_pid(stream)?,
        Err(error) => return Err(error.into()),
    };
    match uid {
        Some(uid) if uid == crate::home::own_uid() => Ok(pid.and_then(|pid| u32::try_from(pid).ok())),
        uid => Err(AcceptError::Stranger(uid)),
    }
}

/// The user of a peer whose process has no number here. Noted by the kernel when it connected, also of one that is gone.
#[cfg(unix)]
fn peer_without_pid(stream: &Stream) -> io::Result<(Option<u32>, Option<i32>)> {
    use std::os::fd::AsFd;
    let Stream::UdSocket(stream) = stream;
    let again = std::os::unix::net::UnixStream::from(stream.as_fd().try_clone_to_owned()?);
    let peer = tokio::net::UnixStream::from_std(again)?.peer_cred()?;
    Ok((Some(peer.uid()), peer.pid().filter(|pid| *pid > 0)))
}

/// A pipe's default security descriptor lets its own user write and nobody else.
#[cfg(windows)]
fn check_peer(stream: &Stream) -> Result<Option<u32>, AcceptError> {
    Ok(stream.peer_creds()?.pid())
}

/// Makes room for the socket. What is no socket is somebody's: it is kept, under another name.
#[cfg(unix)]
fn clear(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            std::fs::remove_file(path)?;
            tracing::info!(socket = %path.display(), "a dead daemon's socket was taken away");
            Ok(())
        }
        Ok(_) => {
            let aside = free_name(path)?;
            std::fs::rename(path, &aside)?;
            tracing::warn!(
                path = %path.display(), moved_to = %aside.display(),
                "what lay in the socket's place is no socket, and was moved aside"
            );
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A name beside `path` that nothing has.
#[cfg(unix)]
fn free_name(path: &Path) -> io::Result<PathBuf> {
    let named = |number: u32| path.with_extension(format!("sock.aside-{number}"));
    (1..1000)
        .map(named)
        .find(|aside| std::fs::symlink_metadata(aside).is_err())
        .ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "something else lies there"))
}

#[cfg(windows)]
fn clear(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Connects to the home's socket.
pub(crate) async fn connect(home: &Home) -> io::Result<Socket> {
    let path = home.socket();
    let name = path.as_path().to_fs_name::<GenericFilePath>()?;
    Ok(Arc::new(Stream::connect(name).await?))
}
