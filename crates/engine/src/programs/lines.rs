//! Lines of a program's output, each within a bound.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Bytes of a line, at most: a file that a tool read may stand in one.
pub(crate) const MAX_LINE: usize = 8 * 1024 * 1024;
/// Bytes of a longer one that are kept, to show what it was.
const KEPT: usize = 4 * 1024;

/// A line of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// All of it, without its end. What was no UTF-8 is replaced.
    Whole(String),
    /// The beginning of one that is longer than [`MAX_LINE`]; the rest is gone.
    TooLong(String),
}

/// Splits a stream into lines.
pub(crate) struct Lines<R> {
    from: R,
    /// What has come of the line so far, up to [`MAX_LINE`].
    line: Vec<u8>,
    /// Whether more came than is kept.
    is_over: bool,
    most: usize,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub fn new(from: R) -> Lines<R> {
        Lines { from, line: Vec::new(), is_over: false, most: MAX_LINE }
    }

    /// The next line; `None` at the end. Nothing is lost by dropping the future. A last line without an end is one.
    ///
    /// # Errors
    /// What the system said.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.from.fill_buf().await?;
            if chunk.is_empty() {
                let nothing = self.line.is_empty() && !self.is_over;
                return Ok((!nothing).then(|| self.take()));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let used = part.len() + usize::from(end.is_some());
            if !self.is_over {
                self.is_over = self.line.len() + part.len() > self.most;
                let room = if self.is_over { KEPT.min(self.most) } else { self.most };
                self.line.truncate(room);
                self.line.extend_from_slice(&part[..part.len().min(room - self.line.len())]);
            }
            self.from.consume(used);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Line {
        // One long line is not to hold its memory for good.
        let mut bytes = std::mem::take(&mut self.line);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if std::mem::take(&mut self.is_over) { Line::TooLong(text) } else { Line::Whole(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::BufReader;

    async fn all(text: &[u8], chunk: usize, most: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(chunk, text));
        lines.most = most;
        let mut out = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            out.push(line);
        }
        out
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_costs_neither_memory_nor_the_next_one() {
        let long = [vec![b'x'; MAX_LINE + 10], b"\nnext\r\nlast".to_vec()].concat();
        let lines = all(&long, 64 * 1024, MAX_LINE).await;
        assert_eq!(lines[0], Line::TooLong("x".repeat(KEPT)));
        assert_eq!(lines[1..], [Line::Whole("next".into()), Line::Whole("last".into())]);
    }

    #[tokio::test]
    async fn what_is_no_text_does_no_harm() {
        assert_eq!(all(b"\xff\xfe\n\n", 4, 64).await, [Line::Whole("\u{fffd}\u{fffd}".into()), Line::Whole("".into())]);
        assert_eq!(all(b"", 4, 64).await, []);
    }

    proptest! {
        #[test]
        fn lines_come_out_as_they_went_in_however_they_are_cut(
            texts in prop::collection::vec("[a-z]{0,40}", 0..20), chunk in 1usize..50,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let text: String = texts.iter().map(|text| format!("{text}\n")).collect();
            let lines = runtime.block_on(all(text.as_bytes(), chunk, 20));
            let expected: Vec<_> = texts.iter().map(|text| match text.len() > 20 {
                true => Line::TooLong(text[..20].to_owned()),
                false => Line::Whole(text.clone()),
            }).collect();
            prop_assert_eq!(lines, expected);
        }
    }
}
