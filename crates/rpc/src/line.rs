//! Lines off a socket, none longer than the limit.

use std::io;

use contract::limits::MAX_LINE_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes that a buffer keeps between lines; one long line must not hold its memory for good.
const KEEP: usize = 64 * 1024;

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error("a line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads lines. Dropping [`Lines::next`] half way loses nothing.
pub(crate) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// Where the line at hand begins.
    start: usize,
    /// How far it has been searched for its end.
    searched: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(from: R) -> Lines<R> {
        Lines { from, buffer: Vec::with_capacity(8 * 1024), start: 0, searched: 0 }
    }

    /// The next line, without its end; `None` at the end of the stream. Half a line at the end is no line.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, LineError> {
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let (start, end) = (self.start, self.searched + found);
                if end - start > MAX_LINE_BYTES {
                    return Err(LineError::TooLong);
                }
                self.start = end + 1;
                self.searched = end + 1;
                let line = &self.buffer[start..end];
                return Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)));
            }
            self.searched = self.buffer.len();
            if self.searched - self.start > MAX_LINE_BYTES {
                return Err(LineError::TooLong);
            }
            self.make_room();
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
            if self.buffer.is_empty() && self.buffer.capacity() > KEEP {
                self.buffer.shrink_to(KEEP);
            }
        }
        self.buffer.reserve(8 * 1024);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_half_a_line_never() {
        let mut lines = Lines::new(&b"one\r\n\ntwo\nhal"[..]);
        assert_eq!(lines.next().await.unwrap(), Some(&b"one"[..]));
        assert_eq!(lines.next().await.unwrap(), Some(&b""[..]));
        assert_eq!(lines.next().await.unwrap(), Some(&b"two"[..]));
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_of_the_limit_passes_and_one_byte_more_does_not() {
        let mut text = vec![b'x'; MAX_LINE_BYTES];
        text.push(b'\n');
        assert_eq!(Lines::new(&text[..]).next().await.unwrap().map(<[u8]>::len), Some(MAX_LINE_BYTES));
        text.insert(0, b'x');
        assert!(matches!(Lines::new(&text[..]).next().await, Err(LineError::TooLong)));
        let endless = vec![b'x'; MAX_LINE_BYTES + 2];
        assert!(matches!(Lines::new(&endless[..]).next().await, Err(LineError::TooLong)));
    }
}
