//! What goes with work that is handed out, and how what comes back is put in few words. Pure.

use contract::{Money, clip};

/// Bytes of a report that is passed on whole.
const WHOLE: usize = 8 * 1024;
/// Bytes of the end of a longer one.
const END: usize = 2 * 1024;
/// Files that are named.
const MAX_FILES: usize = 30;

/// What is said of the money: each of so many that begin at once has the same part of what is left, and so has the one
/// who handed the work out. Nothing where there is no limit.
pub(crate) fn budget(limit: Money, spent: Money, at_once: usize) -> Option<String> {
    if limit <= Money::ZERO {
        return None;
    }
    let left = (limit - spent).as_nanos().max(0);
    let parts = i64::try_from(at_once).unwrap_or(i64::MAX).saturating_add(1);
    let part = Money::nanos(left / parts);
    Some(format!(
        "Your part of what this brief may still cost is about {part}, everybody's work that you hand out included. When \
         that will not do, say so in your answer before you go beyond it."
    ))
}

/// A report as the one who handed out the work is told: its beginning and end where it is long, and what was changed.
pub(crate) fn condensed(report: &str, files: &[String]) -> String {
    let report = report.trim();
    let mut text = if report.len() <= WHOLE {
        report.to_owned()
    } else {
        let mut end = report.len() - END;
        while !report.is_char_boundary(end) {
            end += 1;
        }
        format!("{}\n\n…{}", clip(&report[..end], WHOLE - END), &report[end..])
    };
    if !files.is_empty() {
        let named: Vec<&str> = files.iter().take(MAX_FILES).map(String::as_str).collect();
        let more = files.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("\n\n[Files changed: {}{more}]", named.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parts_add_up_to_no_more_than_is_left() {
        let usd = |dollars| Money::dollars(dollars).unwrap();
        assert!(budget(usd(4.0), usd(1.0), 2).unwrap().contains("$1.00"));
        assert!(budget(usd(4.0), usd(9.0), 2).unwrap().contains("$0.00"));
        assert_eq!(budget(Money::ZERO, usd(1.0), 2), None);
    }

    #[test]
    fn a_long_report_keeps_its_beginning_and_its_end() {
        let report = format!("begins {} ends", "x".repeat(100_000));
        let text = condensed(&report, &["docs/a.md".into()]);
        assert!(text.len() < WHOLE + 500 && text.starts_with("begins"), "{}", text.len());
        assert!(text.contains(" ends\n\n[Files changed: docs/a.md]") && text.contains("bytes left out"), "{text}");
        assert_eq!(condensed(" short\n", &[]), "short");
    }

    proptest! {
        #[test]
        fn any_report_comes_out_short(report in ".{0,20000}", files in prop::collection::vec("[a-z]{1,20}", 0..100)) {
            prop_assert!(condensed(&report, &files).len() < WHOLE + 1_500);
        }
    }
}
