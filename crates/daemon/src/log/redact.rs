//! Keys and credentials that got into a text are taken out again, before it is written anywhere. Nothing here logs one
//! on purpose; the words of a provider or of a library may hold one.

use std::borrow::Cow;

/// How the keys of providers begin.
const BEGINNINGS: [&str; 9] = ["sk-", "sk_", "pk_", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "AIza"];
/// Letters that such a key has at least.
const KEY_CHARS: usize = 12;
/// Digits of our own credentials and tokens.
const HEX_DIGITS: usize = 64;
/// What stands in their place.
const INSTEAD: &str = "[secret]";

/// The text without keys, credentials and bearer tokens.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut before = "";
    for (at, word) in words(text) {
        if is_secret(word) || before.eq_ignore_ascii_case("bearer") && word.len() >= KEY_CHARS {
            out.push_str(&text[copied..at]);
            out.push_str(INSTEAD);
            copied = at + word.len();
        }
        before = word;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn is_secret(word: &str) -> bool {
    let is_key = word.len() >= KEY_CHARS && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning));
    is_key || word.len() >= HEX_DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Runs of what keys are made of, and where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    text.split(move |c| !is_part(c)).scan(0, move |next, word| {
        let at = *next;
        // The separator behind a word may take several bytes.
        let separator = text[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        *next = at + word.len() + separator;
        // A sentence's end is no part of its last word.
        Some((at, word.trim_end_matches('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_and_words_stay() {
        let credential = "0123456789abcdef".repeat(4);
        for (text, left) in [
            ("x-api-key: sk-ant-api03-AbC_d-9, and on", "x-api-key: [secret], and on"),
            ("Authorization: Bearer abc.def.ghi-jkl", "Authorization: Bearer [secret]"),
            ("{\"key\":\"AIzaSyA1234567890\"}", "{\"key\":\"[secret]\"}"),
            ("ein Schlüssel „ghp_abcdefghijkl“ → fort", "ein Schlüssel „[secret]“ → fort"),
        ] {
            assert_eq!(redact(text), left);
        }
        assert_eq!(redact(&format!("token={credential}. ")), "token=[secret]. ");
        for kept in ["a task-runner sk-1 of risk-taking bearer of news", "", "run 212 ended (5f3a)", "ä→ö"] {
            assert!(matches!(redact(kept), Cow::Borrowed(same) if same == kept), "{kept}");
        }
    }
}
