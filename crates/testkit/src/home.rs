//! Homes that go away with their test.

use tempfile::TempDir;

/// An empty folder, ours alone (0700), gone when dropped. Its path is short enough for a socket.
pub fn temp_home() -> TempDir {
    tempfile::Builder::new().prefix("aicib-").tempdir_in("/tmp").expect("a temp folder can be made in /tmp")
}
