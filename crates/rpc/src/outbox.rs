//! Lines that wait for a reader, a bounded number of them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Lines that wait, at most.
const MAX_LINES: usize = 1024;
/// Bytes that wait, at most. A line that is alone passes whatever its size.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Bytes written at once, about.
const BATCH_BYTES: usize = 64 * 1024;

/// There is no room: the reader is too slow, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader is too slow")]
pub struct Full;

/// A queue from many to the one task that writes.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Wakes the writer.
    filled: Notify,
    /// Wakes who waits for room.
    drained: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// Of the lines above, and of the batch that is being written.
    bytes: usize,
    closed: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or gives it back where there is no room for it.
    fn offer(&self, line: Vec<u8>) -> Result<(), (Vec<u8>, bool)> {
        let mut waiting = self.lock();
        let fits = waiting.bytes == 0 || waiting.bytes + line.len() <= MAX_BYTES;
        if waiting.closed || waiting.lines.len() >= MAX_LINES || !fits {
            return Err((line, waiting.closed));
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Adds a line if there is room.
    pub(crate) fn try_push(&self, line: Vec<u8>) -> Result<(), Full> {
        self.offer(line).map_err(|_| Full)
    }

    /// Adds a line once there is room. [`Full`] when the outbox was closed meanwhile.
    pub(crate) async fn push(&self, mut line: Vec<u8>) -> Result<(), Full> {
        loop {
            let room = self.drained.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            match self.offer(line) {
                Ok(()) => return Ok(()),
                Err((_, true)) => return Err(Full),
                Err((back, false)) => line = back,
            }
            room.await;
        }
    }

    /// The next lines to write, joined; `None` once the outbox is closed and empty.
    pub(crate) async fn take(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut waiting = self.lock();
                if let Some(mut batch) = waiting.lines.pop_front() {
                    while let Some(next) = waiting.lines.front() {
                        if batch.len() + next.len() > BATCH_BYTES {
                            break;
                        }
                        batch.extend_from_slice(next);
                        waiting.lines.pop_front();
                    }
                    return Some(batch);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// A batch of that size has been written.
    pub(crate) fn written(&self, bytes: usize) {
        self.lock().bytes -= bytes;
        self.drained.notify_waiters();
    }

    /// Takes no more lines. Those that wait can still be written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.drained.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_takes_so_much_and_no_more() {
        let outbox = Outbox::default();
        for _ in 0..MAX_LINES {
            outbox.try_push(b"line\n".to_vec()).unwrap();
        }
        assert_eq!(outbox.try_push(b"line\n".to_vec()), Err(Full));
        let batch = outbox.take().await.unwrap();
        outbox.written(batch.len());
        outbox.try_push(b"line\n".to_vec()).unwrap();

        let outbox = Outbox::default();
        outbox.try_push(vec![b'x'; MAX_BYTES + 1]).unwrap();
        assert_eq!(outbox.try_push(b"y".to_vec()), Err(Full));
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_or_hears_of_the_end() {
        let outbox = Outbox::default();
        outbox.try_push(vec![b'x'; MAX_BYTES]).unwrap();
        let drain = async {
            let batch = outbox.take().await.unwrap();
            outbox.written(batch.len());
        };
        let (pushed, ()) = tokio::join!(outbox.push(b"y".to_vec()), drain);
        pushed.unwrap();
        outbox.close();
        assert_eq!(outbox.push(b"z".to_vec()).await, Err(Full));
        assert_eq!(outbox.take().await.as_deref(), Some(&b"y"[..]));
        assert_eq!(outbox.take().await, None);
    }
}
