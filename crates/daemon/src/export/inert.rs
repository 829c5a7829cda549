//! What agents wrote as Markdown, such that a viewer of it loads nothing from the net.
//!
//! Viewers differ, and the text is hostile: what is not certainly code is made harmless. At worst a stroke shows up
//! in code that only looked like text.

/// The text with its images as links and its tags as text. Code in fences, and code within one line, stays as it is.
pub(super) fn inert(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len() + 16);
    let mut open: Option<(char, usize)> = None;
    let mut code = true;
    for line in text.trim_matches('\n').lines() {
        match (open, fence(line)) {
            (Some((mark, long)), Some((like, by, rest))) if like == mark && by >= long && rest.trim().is_empty() => {
                open = None;
                code = true;
                out.extend(std::iter::repeat_n(mark, by));
            }
            (Some(_), _) => out.push_str(line),
            // Further in, it might end with the list around it; here, it ends by its like only.
            (None, Some((mark, long, _))) => {
                open = Some((mark, long));
                out.push_str(line.trim_start());
            }
            (None, None) => {
                code |= line.trim_matches([' ', '\t']).is_empty();
                code = told(line, code, &mut out);
            }
        }
        out.push('\n');
    }
    if let Some((mark, long)) = open {
        out.extend(std::iter::repeat_n(mark, long));
    }
    out.truncate(out.trim_end().len());
    out
}

/// What begins or ends a fence: its mark, how many of it, and what stands behind them.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let long = line.len() - rest.len();
    (long >= 3 && !(mark == '`' && rest.contains('`'))).then_some((mark, long, rest))
}

/// A line outside of fences. `code`: whether marks of code in it are certainly such; gives whether those of the next are.
fn told(line: &str, mut code: bool, out: &mut String) -> bool {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let mut taken = c.len_utf8();
        match c {
            '\\' => taken += after.chars().next().filter(char::is_ascii_punctuation).map_or(0, char::len_utf8),
            '`' => {
                taken = rest.len() - rest.trim_start_matches('`').len();
                // What ends on another line, or spans the cells of a table, may be no code at all.
                let end = code.then(|| span(&rest[taken..], taken)).flatten();
                match end.filter(|end| !rest[..taken + end].contains('|')) {
                    Some(end) => taken += end,
                    None => code = false,
                }
            }
            '!' if after.starts_with('[') => out.push('\\'),
            '<' if after.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')) => {
                out.push('\\');
            }
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    code
}

/// Where code ends that as many marks opened, behind the marks that close it.
fn span(text: &str, long: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let from = at + found;
        let run = text[from..].len() - text[from..].trim_start_matches('`').len();
        at = from + run;
        if run == long {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn no_image_is_loaded() {
        for (text, shown) in [
            ("![a](http://x/y.png)", "\\![a](http://x/y.png)"),
            ("[![a][b]](c)\n\n[b]: http://x/y.png", "[\\![a][b]](c)\n\n[b]: http://x/y.png"),
            ("<img src=\"http://x/y.png\">", "\\<img src=\"http://x/y.png\">"),
            // Strokes that are there already take nothing away.
            ("\\![a](b) \\\\![a](b)", "\\![a](b) \\\\\\![a](b)"),
            ("2 < 3! [done](x)", "2 < 3! [done](x)"),
        ] {
            assert_eq!(inert(text), shown);
        }
    }

    #[test]
    fn code_stays_as_it_is() {
        for text in ["see `![a](b)` and ``<img> ` ![a](b)``", "```md\n![a](b)\n<img>\n```", "~~~\n```\n![a](b)\n~~~"] {
            assert_eq!(inert(text), text);
        }
    }

    #[test]
    fn what_only_looks_like_code_is_none() {
        for text in [
            // Code that began on the line before ends at the first mark.
            "a ` b\nc ` ![a](b) ` d",
            "a \\` ![a](b) `",
            "| a ` | ![a](b) ` |\n|---|---|",
            "``` a `\n![a](b)\n```",
            // The list ends, and the fence within it.
            "1. a\n   ```\n   b\n   ```\n![a](b)",
            "```\na\n ```\n![a](b)",
            "a\r```\rb\r```\r![a](b)",
            // A blank that is none ends neither a fence nor a paragraph.
            "```\na\n```\u{a0}\n![a](b)",
            "a `\n\u{a0}\nb ` ![a](b) `",
        ] {
            assert!(inert(text).contains("\\![a]"), "{text:?}: {:?}", inert(text));
        }
    }

    #[test]
    fn a_fence_ends_with_its_text() {
        assert_eq!(inert("````\na\n```"), "````\na\n```\n````");
        assert_eq!(inert("- a\n  ~~~\nb\n"), "- a\n~~~\nb\n~~~");
    }
}
