//! Scalars by YAML 1.2's core schema.

use granit_parser::{ScalarStyle, Tag};

use super::{Kind, short};

/// A scalar's value by the core schema.
pub(super) fn read(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Kind, String> {
    let kind = match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => Kind::Text(text.to_owned()),
        Some(tag) => {
            let value = plain(text);
            let fits = match (tag.core_suffix(), &value) {
                (Some("str"), _) => return Ok(Kind::Text(text.to_owned())),
                (Some("int"), Kind::Int(_)) | (Some("bool"), Kind::Bool(_)) | (Some("null"), Kind::Null) => true,
                (Some("float"), Kind::Int(_) | Kind::Float(_)) => true,
                _ => false,
            };
            if !fits {
                return Err(format!("The tag \"{}\" does not fit this value.", short(&tag.original())));
            }
            value
        }
    };
    Ok(kind)
}

fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some(number) = integer(text) {
        return number;
    }
    if is_decimal(text)
        && let Ok(number) = text.parse::<f64>()
    {
        return Kind::Float(number);
    }
    Kind::Text(text.to_owned())
}

fn integer(text: &str) -> Option<Kind> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = if let Some(hex) = text.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok().filter(|_| hex.bytes().all(|b| b.is_ascii_hexdigit()))
    } else if let Some(octal) = text.strip_prefix("0o") {
        i64::from_str_radix(octal, 8).ok().filter(|_| octal.bytes().all(|b| b.is_ascii_digit()))
    } else if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        // Too long for an integer, it is still a number.
        return text.parse().map(Kind::Int).ok().or_else(|| text.parse().map(Kind::Float).ok());
    } else {
        None
    };
    number.map(Kind::Int)
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_decimal(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_holds = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    mantissa_holds
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && all_digits(digits)
        })
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse;
    use serde_json::json;

    #[test]
    fn scalars_read_by_the_core_schema() {
        assert_eq!(
            parse("[1, -2, +3, 0x1F, 0o17, 1.5, .5, 1e3, 1., true, ~, yes, '1', \"a\\nb\", 1_0, 0b1, -x, 1.2.3, 08]")
                .unwrap()
                .unwrap()
                .to_json(),
            json!([
                1, -2, 3, 31, 15, 1.5, 0.5, 1000.0, 1.0, true, null, "yes", "1", "a\nb", "1_0", "0b1", "-x", "1.2.3", 8
            ])
        );
    }
}
