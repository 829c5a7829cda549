//! Numbers and money, as the window writes them.

use contract::Money;

use crate::Language;

/// Between a number and its unit: they stay on one line.
const NARROW: char = '\u{a0}';

pub(crate) fn count(language: Language, n: usize) -> String {
    grouped(language, &n.to_string())
}

fn grouped(language: Language, digits: &str) -> String {
    let mark = match language {
        Language::En => ',',
        Language::De => '.',
    };
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

pub(crate) fn money(language: Language, money: Money) -> String {
    let dollars = money.as_dollars();
    let sign = if dollars < 0.0 { "-" } else { "" };
    let dollars = dollars.abs();
    let (less, amount) = if dollars == 0.0 || dollars >= 0.099_995 {
        ("", format!("{dollars:.2}"))
    } else if dollars < 0.000_05 {
        ("<", "0.0001".to_owned())
    } else {
        ("", format!("{dollars:.4}"))
    };
    let (whole, part) = amount.split_once('.').unwrap_or((amount.as_str(), "00"));
    let whole = grouped(language, whole);
    match language {
        Language::En => format!("{sign}{less}${whole}.{part}"),
        Language::De => format!("{sign}{less}{whole},{part}{NARROW}$"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_of_a_language_do() {
        for (nanos, en, de) in [
            (0, "$0.00", "0,00 $"),
            (74_600_000, "$0.0746", "0,0746 $"),
            (20_000, "<$0.0001", "<0,0001 $"),
            (4_180_000_000, "$4.18", "4,18 $"),
            (1_234_560_000_000, "$1,234.56", "1.234,56 $"),
            (1_234_567_890_000_000, "$1,234,567.89", "1.234.567,89 $"),
            (-2_500_000_000, "-$2.50", "-2,50 $"),
        ] {
            let written = [Language::En, Language::De].map(|language| money(language, Money::nanos(nanos)));
            assert_eq!(written, [en.to_owned(), de.replace(' ', "\u{a0}")], "{nanos}");
        }
        assert_eq!(count(Language::En, 1_000_000), "1,000,000");
        assert_eq!([7, 999].map(|n| count(Language::De, n)), ["7", "999"]);
    }
}
