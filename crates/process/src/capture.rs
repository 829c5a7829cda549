//! Output of unknown size kept within a bound: its beginning and its end.

use std::collections::VecDeque;

/// The head and the tail of a stream of bytes.
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_cap: usize,
    tail_cap: usize,
    total: u64,
}

impl Capture {
    /// Keeps at most `cap` bytes.
    pub(crate) fn new(cap: usize) -> Capture {
        let head_cap = cap / 2;
        Capture { head: Vec::new(), tail: VecDeque::new(), head_cap, tail_cap: cap - head_cap, total: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_cap - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.tail_cap)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.tail_cap);
        self.tail.drain(..over);
        self.tail.extend(rest);
    }

    /// How many bytes came in all.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// What was kept, as text. Where something was left out, a line between head and tail says how much.
    pub(crate) fn into_text(self) -> String {
        let tail: Vec<u8> = self.tail.into();
        if (self.head.len() + tail.len()) as u64 == self.total {
            return String::from_utf8_lossy(&[self.head, tail].concat()).into_owned();
        }
        // The cut may fall inside a character: its parts are left out too.
        let head = &self.head[..self.head.len() - partial_end(&self.head)];
        let tail = &tail[tail.iter().take(3).take_while(|byte| is_continuation(**byte)).count()..];
        let left_out = self.total - (head.len() + tail.len()) as u64;
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        format!("{head}\n[… {left_out} bytes left out …]\n{tail}")
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// How many bytes at the end are the beginning of a character that is not complete.
fn partial_end(bytes: &[u8]) -> usize {
    let back = bytes.iter().rev().take(3).take_while(|byte| is_continuation(**byte)).count();
    let Some(lead) = bytes.len().checked_sub(back + 1).map(|at| bytes[at]) else { return 0 };
    let length = match lead {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return 0,
    };
    if back + 1 < length { back + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(cap: usize, chunks: &[&[u8]]) -> String {
        let mut capture = Capture::new(cap);
        chunks.iter().for_each(|chunk| capture.push(chunk));
        capture.into_text()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(captured(10, &[b"01234", b"56789"]), "0123456789");
        assert_eq!(captured(10, &[]), "");
    }

    #[test]
    fn what_does_not_fit_keeps_head_and_tail() {
        assert_eq!(captured(4, &[b"ab", b"cdefgh", b"ij"]), "ab\n[… 6 bytes left out …]\nij");
        assert_eq!(captured(0, &[b"abc"]), "\n[… 3 bytes left out …]\n");
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        // Five characters of two bytes each; three bytes fit on either side.
        assert_eq!(captured(6, &["äöüßé".as_bytes()]), "ä\n[… 6 bytes left out …]\né");
        assert_eq!(captured(6, &["ab€xxxx€cd".as_bytes()]), "ab\n[… 7 bytes left out …]\ncd".replace('7', "10"));
    }
}
