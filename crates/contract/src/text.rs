//! Short texts: titles, one-liners, names of roles.

use std::borrow::Cow;

use crate::limits::TITLE_CHARS;

/// `text` on one line: runs of white space become a space, other control characters are dropped, and what is
/// longer than `max` characters ends in "…".
pub fn one_line(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = count > 0;
            continue;
        }
        if c.is_control() || is_invisible(c) {
            continue;
        }
        let need = 1 + usize::from(gap);
        if count + need > max {
            out.push('…');
            return out;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(c);
        count += need;
    }
    out
}

/// Marks that reorder or hide text: what an agent says must not change how the line around it reads.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` with nothing hidden in it, for somebody who has to decide on it: control characters and marks that reorder
/// or hide text become their numbers (`⟨U+202E⟩`), and a run of many blanks or empty lines is counted. New lines and
/// tabs stay.
pub fn visible(text: &str) -> String {
    const BLANKS: usize = 16;
    const LINES: usize = 4;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_hidden(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            continue;
        }
        if !c.is_whitespace() {
            out.push(c);
            continue;
        }
        // Blanks of all kinds in a row, up to the end of a line: mixed, they hide as much.
        let mut run = String::from(c);
        while let Some(next) = chars.next_if(|next| next.is_whitespace() && !is_hidden(*next)) {
            run.push(next);
        }
        let ends = run.matches('\n').count();
        let lines: Vec<&str> = run.split('\n').collect();
        if ends > LINES {
            out.push_str(&format!("⟨{ends} line ends⟩\n"));
        }
        let shown = if ends > LINES { &lines[ends..] } else { &lines[..] };
        for (place, blanks) in shown.iter().enumerate() {
            out.extend((place > 0).then_some('\n'));
            match blanks.chars().count() {
                count if count > BLANKS => out.push_str(&format!("⟨{count} blanks⟩")),
                _ => out.push_str(blanks),
            }
        }
    }
    out
}

/// What is shown by its number: it hides itself, or what is around it.
fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_invisible(c) || is_odd(c)
}

/// What shows as nothing, or as a blank that is none.
fn is_odd(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
    ) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffc}')
        || matches!(c, '\u{2800}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A job's title: the first words of its directive.
pub fn title(directive: &str) -> String {
    one_line(directive.split(ATTACHED).next().unwrap_or(directive), TITLE_CHARS)
}

/// What stands in a brief between the founder's words and the list of the files that were attached to it, a line each
/// (`- inbox/plan.pdf`).
pub const ATTACHED: &str = "\n\nAttached files, in the company's folder:\n";

/// `text`, or its first `max` bytes (cut between characters) and a note of how much was left out.
pub fn clip(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}\n[{} bytes left out]", &text[..end], text.len() - end))
}

/// A role's name on screen: "cfo" is "CFO", "backend-engineer" is "Backend Engineer".
pub fn role_name(role: &str) -> String {
    if matches!(role, "ceo" | "cto" | "cfo" | "cmo" | "coo" | "cpo" | "cso" | "chro" | "clo" | "ciso" | "cio") {
        return role.to_uppercase();
    }
    let words = role.split(['-', '_', ' ']).filter(|word| !word.is_empty()).map(|word| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(title("  Write\n a\tpage \u{202e}now\u{7} "), "Write a page now");
        let long = title(&"word ".repeat(100));
        assert!(long.chars().count() <= TITLE_CHARS + 1 && long.ends_with("word…"), "{long}");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(clip("aé", 2), "a\n[2 bytes left out]");
        assert_eq!(clip("aé", 3), "aé");
    }

    #[test]
    fn roles_read_as_in_the_cases() {
        for (role, name) in [
            ("cfo", "CFO"),
            ("cmo", "CMO"),
            ("backend-engineer", "Backend Engineer"),
            ("data-scientist", "Data Scientist"),
        ] {
            assert_eq!(role_name(role), name);
        }
    }

    #[test]
    fn nothing_hides_in_what_is_made_visible() {
        let shown = visible(&format!("rm -rf x{}#\u{202e}gnp.exe\u{200b}\u{1b}[2K\r", " ".repeat(10_000)));
        assert_eq!(shown, "rm -rf x⟨10000 blanks⟩#⟨U+202E⟩gnp.exe⟨U+200B⟩⟨U+001B⟩[2K⟨U+000D⟩");
        assert_eq!(visible("a\n\tb  c\n"), "a\n\tb  c\n");
        assert_eq!(visible(&format!("ls{}rm", "\n".repeat(500))), "ls⟨500 line ends⟩\nrm");
        // Nor does mixing blanks, or blanks that are none.
        assert_eq!(visible(&format!("ls{}rm", " \u{2003}".repeat(500))), "ls⟨1000 blanks⟩rm");
        assert_eq!(visible(&format!("ls{}rm", "\n \t".repeat(500))), "ls⟨500 line ends⟩\n \trm");
        assert_eq!(visible("ls\u{2800}\u{206a}x"), "ls⟨U+2800⟩⟨U+206A⟩x");
        assert_eq!(visible(&format!("a\n{}b\n", " ".repeat(20))), "a\n⟨20 blanks⟩b\n");
    }
}
