//! Why a provider did not take a call that a program made through the bridge. Pure.

use std::time::{Duration, SystemTime};

use contract::{Error, ErrorCode, one_line};
use hyper::HeaderMap;
use serde_json::Value;

use super::meter::Failure;
use super::upstream::Dialect;

/// The status of an overloaded provider.
const OVERLOADED: u16 = 529;
/// Characters of the provider's words that are passed on.
const WORDS: usize = 500;
const LATER_FIX: &str = "Send the brief again later.";

/// The error that an answer with a status other than 200 stands for.
pub(super) fn of_status(dialect: Dialect, status: u16, body: &[u8]) -> Error {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default();
    let kind = if text("code").is_empty() { text("type") } else { text("code") };
    of(dialect, status, kind, &one_line(text("message"), WORDS))
}

/// The error that a failure in mid-answer stands for.
pub(super) fn of_failure(dialect: Dialect, failure: &Failure) -> Error {
    let status = match failure.kind.as_str() {
        "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" | "insufficient_quota" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" => 429,
        "overloaded_error" | "server_is_overloaded" | "slow_down" => OVERLOADED,
        _ => 500,
    };
    of(dialect, status, &failure.kind, &failure.words)
}

/// The provider cannot be reached, or does not answer.
pub(super) fn unreachable(host: &str, what: &str) -> Error {
    let fix = "Check the network and any proxy, then send the brief again.";
    Error::new(ErrorCode::PROVIDER_NETWORK, format!("{} {what}.", one_line(host, 100)), fix)
}

/// The answer broke off.
pub(super) fn cut(why: &str) -> Error {
    Error::new(ErrorCode::PROVIDER_PROTOCOL, format!("The provider's answer broke off ({why})."), LATER_FIX)
}

/// When the provider wants to be asked again: seconds or a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

fn of(dialect: Dialect, status: u16, kind: &str, words: &str) -> Error {
    let said = if words.is_empty() { String::new() } else { format!(": {}", words.trim_end_matches('.')) };
    let lower = words.to_ascii_lowercase();
    let is_credit = status == 402
        || matches!(kind, "billing_error" | "insufficient_quota" | "billing_hard_limit_reached")
        || (matches!(status, 400 | 403) && lower.contains("credit balance"));
    if is_credit {
        let fix = "Add credit at the provider, then send the brief again.";
        return Error::new(ErrorCode::PROVIDER_CREDIT, format!("The provider's account has no credit{said}."), fix);
    }
    match status {
        401 | 403 => Error::new(
            ErrorCode::PROVIDER_AUTH,
            format!("The provider refused the key ({status}){said}."),
            format!("Check the key and store it again with `aicib key set {}`.", dialect.key_name()),
        ),
        429 => Error::new(ErrorCode::PROVIDER_RATE_LIMIT, format!("The provider asks to wait (429){said}."), LATER_FIX),
        OVERLOADED => {
            Error::new(ErrorCode::PROVIDER_DOWN, format!("The provider is overloaded (529){said}."), LATER_FIX)
        }
        408 | 409 | 500.. => {
            Error::new(ErrorCode::PROVIDER_DOWN, format!("The provider is broken ({status}){said}."), LATER_FIX)
        }
        _ => Error::new(
            ErrorCode::PROVIDER_REFUSED,
            format!("The provider refused the request ({status}){said}."),
            "Check the agents' models and the provider's address in the settings.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_whose_move_it_is() {
        for (status, body, code) in [
            (401, r#"{"error":{"type":"authentication_error","message":"invalid x-api-key"}}"#, "provider.auth"),
            (400, r#"{"error":{"message":"Your credit balance is too low to access the API."}}"#, "provider.credit"),
            (429, r#"{"error":{"code":"insufficient_quota","message":"You exceeded your quota"}}"#, "provider.credit"),
            (429, r#"{"error":{"type":"rate_limit_error","message":"Slow down"}}"#, "provider.rate_limit"),
            (400, "no JSON", "provider.refused"),
            (404, "{}", "provider.refused"),
            (502, "", "provider.down"),
            (529, "[]", "provider.down"),
        ] {
            assert_eq!(of_status(Dialect::Openai, status, body.as_bytes()).code.as_str(), code, "{status} {body}");
        }
        let failure = Failure { kind: "server_is_overloaded".into(), words: String::new() };
        assert_eq!(of_failure(Dialect::Openai, &failure).code.as_str(), "provider.down");
    }
}
