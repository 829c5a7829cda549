//! Reading a pipe while something else is awaited, and letting go of it although somebody still holds its other end.

use std::convert::Infallible;
use std::io::{self, PipeReader};

use crate::capture::Capture;

/// How much is still read once everything that wrote has ended. A pipe holds no more than this, unless somebody
/// escaped and goes on writing.
const DRAIN_LIMIT: u64 = 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// A pipe that is being read into a [`Capture`].
pub(crate) struct Reading {
    pipe: platform::Pipe,
    capture: Capture,
    chunk: Box<[u8]>,
    ended: bool,
}

impl Reading {
    /// Keeps at most `cap` bytes of what comes.
    pub(crate) fn new(pipe: PipeReader, cap: usize) -> io::Result<Reading> {
        let pipe = platform::Pipe::new(pipe)?;
        Ok(Reading { pipe, capture: Capture::new(cap), chunk: vec![0; CHUNK].into(), ended: false })
    }

    /// Reads until it is dropped; nothing is lost by dropping it. Says of each piece how many bytes it has.
    pub(crate) async fn read_on(&mut self, on_output: &(dyn Fn(usize) + Send + Sync)) -> Infallible {
        while !self.ended {
            self.pipe.readable().await;
            let before = self.capture.total();
            if self.read_once() {
                on_output(usize::try_from(self.capture.total() - before).unwrap_or(usize::MAX));
            }
        }
        std::future::pending().await
    }

    /// Takes what is in the pipe now and lets go of it.
    pub(crate) fn finish(mut self) -> Capture {
        let until = self.capture.total() + DRAIN_LIMIT;
        while !self.ended && self.capture.total() < until && self.read_once() {}
        self.capture
    }

    /// Whether there was something.
    fn read_once(&mut self) -> bool {
        match self.pipe.try_read(&mut self.chunk) {
            Ok(0) => self.ended = true,
            Ok(length) => {
                self.capture.push(&self.chunk[..length]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(error) => {
                tracing::warn!(%error, "the output of a command could not be read to its end");
                self.ended = true;
            }
        }
        false
    }
}

#[cfg(unix)]
mod platform {
    use std::io::{self, PipeReader};

    use tokio::net::unix::pipe::Receiver;

    pub(super) struct Pipe(Receiver);

    impl Pipe {
        pub(super) fn new(pipe: PipeReader) -> io::Result<Pipe> {
            Receiver::from_owned_fd(pipe.into()).map(Pipe)
        }

        pub(super) async fn readable(&mut self) {
            // An error here comes again from the read, which deals with it.
            let _ = self.0.readable().await;
        }

        pub(super) fn try_read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
            self.0.try_read(chunk)
        }
    }
}

/// Without a pipe that can be polled, a thread reads it. Untested. Where a process that escaped holds the pipe open,
/// the thread stays until that process ends.
#[cfg(not(unix))]
mod platform {
    use std::io::{self, PipeReader, Read};

    use tokio::sync::mpsc;

    pub(super) struct Pipe {
        chunks: mpsc::Receiver<Vec<u8>>,
    }

    impl Pipe {
        pub(super) fn new(mut pipe: PipeReader) -> io::Result<Pipe> {
            let (sender, chunks) = mpsc::channel(16);
            std::thread::Builder::new().name("command-output".into()).spawn(move || {
                let mut chunk = vec![0; super::CHUNK];
                while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                    if sender.blocking_send(chunk[..length].to_vec()).is_err() {
                        break;
                    }
                }
            })?;
            Ok(Pipe { chunks })
        }

        pub(super) async fn readable(&mut self) {
            while self.chunks.is_empty() && !self.chunks.is_closed() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }

        pub(super) fn try_read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
            match self.chunks.try_recv() {
                Ok(bytes) => {
                    chunk[..bytes.len()].copy_from_slice(&bytes);
                    Ok(bytes.len())
                }
                Err(mpsc::error::TryRecvError::Empty) => Err(io::ErrorKind::WouldBlock.into()),
                Err(mpsc::error::TryRecvError::Disconnected) => Ok(0),
            }
        }
    }
}
