//! Text that agents wrote, made fit for a notification: bounded, without control characters, never markup.

const TITLE_CHARS: usize = 120;
const BODY_CHARS: usize = 1000;

pub(crate) fn title(text: &str) -> String {
    clip(text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(is_shown), TITLE_CHARS)
}

/// `markup` is whether the server reads markup in bodies.
pub(crate) fn body(text: &str, markup: bool) -> String {
    let text = clip(text.chars().filter(|char| *char == '\n' || is_shown(char)), BODY_CHARS);
    if markup { escape(&text) } else { text }
}

/// Control characters end a D-Bus connection (NUL) or garble what is shown; those that turn the direction of writing
/// make text read as something else.
fn is_shown(char: &char) -> bool {
    !char.is_control() && !matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn clip(mut chars: impl Iterator<Item = char>, most: usize) -> String {
    let mut text: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        text.pop();
        text.push('…');
    }
    text
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text_only_where_it_would_be_read() {
        let hostile = r#"<a href="http://x">Pay & 'win'</a>"#;
        assert_eq!(body(hostile, false), hostile);
        assert_eq!(body(hostile, true), "&lt;a href=&quot;http://x&quot;&gt;Pay &amp; &#39;win&#39;&lt;/a&gt;");
    }

    #[test]
    fn what_is_long_is_cut_before_it_is_escaped() {
        let text = body(&"<".repeat(2000), true);
        assert_eq!(text, "&lt;".repeat(BODY_CHARS - 1) + "…");
        assert_eq!(body(&"x".repeat(BODY_CHARS), true), "x".repeat(BODY_CHARS));
        assert_eq!(title(&"ä".repeat(500)).chars().count(), TITLE_CHARS);
    }

    #[test]
    fn a_title_is_one_line_without_control_characters() {
        assert_eq!(title(" Job 7\n\tdone\0\u{1b}[31m \u{202e}txt "), "Job 7 done[31m txt");
        assert_eq!(body("one\ntwo\0\r", false), "one\ntwo");
    }
}
