//! Takes a key out of a stream, should the provider say it back. Pure.

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

/// What stands in its place.
const INSTEAD: &[u8] = b"[key]";

/// Takes a key out of bytes that come in pieces. What could be the beginning of the key is held back until the next
/// piece says what it is.
pub(super) struct Scrub {
    key: SecretString,
    held: Vec<u8>,
}

impl Scrub {
    /// For that key, which must not be empty.
    pub fn new(key: SecretString) -> Scrub {
        Scrub { key, held: Vec::new() }
    }

    /// The next piece, as far as it can be passed on.
    pub fn piece(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let key = self.key.expose_secret().as_bytes();
        let mut out = Vec::with_capacity(self.held.len());
        let mut from = 0;
        for at in memmem::find_iter(&self.held, key) {
            out.extend_from_slice(&self.held[from..at]);
            out.extend_from_slice(INSTEAD);
            from = at + key.len();
        }
        let rest = &self.held[from..];
        let longest = rest.len().min(key.len().saturating_sub(1));
        let kept = (1..=longest).rev().find(|kept| key.starts_with(&rest[rest.len() - kept..])).unwrap_or(0);
        out.extend_from_slice(&rest[..rest.len() - kept]);
        self.held = rest[rest.len() - kept..].to_vec();
        out
    }

    /// What was held back at the end: a beginning of the key and no more.
    pub fn end(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scrubbed(pieces: &[&[u8]]) -> String {
        let mut scrub = Scrub::new(SecretString::from("sk-sk-1"));
        let mut out: Vec<u8> = pieces.iter().flat_map(|piece| scrub.piece(piece)).collect();
        out.extend(scrub.end());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_key_goes_however_it_is_cut() {
        assert_eq!(scrubbed(&[b"a sk-sk-1 b"]), "a [key] b");
        assert_eq!(scrubbed(&[b"a sk-", b"sk-", b"1 b"]), "a [key] b");
        assert_eq!(scrubbed(&[b"a sk-sk-", b"sk-1sk-sk-1"]), "a sk-[key][key]");
        assert_eq!(scrubbed(&[b"ends in sk-sk-"]), "ends in sk-sk-");
    }

    proptest! {
        #[test]
        fn nothing_else_changes_and_no_key_is_left(text in "[sk1-]{0,60}", cut in 0usize..60) {
            let cut = cut.min(text.len());
            let out = scrubbed(&[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
            prop_assert_eq!(&out, &text.replace("sk-sk-1", "[key]"));
        }
    }
}
