//! Why a call did not work, from what the provider said.

use std::time::Duration;

use contract::{ErrorCode, one_line};
use reqwest::Response;
use serde_json::Value;

use crate::model::ModelError;
use crate::provider::{LATER_FIX, refusal, retry_after};
pub(crate) use crate::provider::{causes, cut, silent, unsent};

/// Characters of the provider's words that are passed on.
const WORDS: usize = 500;
/// The status of an overloaded provider.
const OVERLOADED: u16 = 529;

const KEY_FIX: &str = "Check the key and store it again with `aicib key set anthropic`.";
const CREDIT_FIX: &str = "Add credit at the provider, then send the brief again.";

/// The error that a response with a status other than 200 stands for.
pub(crate) async fn refused(response: Response) -> ModelError {
    let status = response.status();
    let after = retry_after(&response);
    let body = refusal(response).await;
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let kind = parsed["error"]["type"].as_str().unwrap_or_default();
    let words = parsed["error"]["message"].as_str().map(|text| one_line(text, WORDS)).unwrap_or_default();
    of(status.as_u16(), kind, &words, after)
}

/// The error for a status, or for the like of one in mid-stream.
pub(crate) fn of(status: u16, kind: &str, words: &str, after: Option<Duration>) -> ModelError {
    let said = if words.is_empty() { String::new() } else { format!(": {}", words.trim_end_matches('.')) };
    let credit = kind == "billing_error" || words.to_ascii_lowercase().contains("credit balance");
    let passing = |code, message: String| match ModelError::passing(code, message, LATER_FIX) {
        ModelError::Passing { error, .. } => ModelError::Passing { error, after },
        other => other,
    };
    match status {
        402 => ModelError::end(
            ErrorCode::PROVIDER_CREDIT,
            format!("The provider's account has no credit{said}."),
            CREDIT_FIX,
        ),
        400 | 403 if credit => ModelError::end(
            ErrorCode::PROVIDER_CREDIT,
            format!("The provider's account has no credit{said}."),
            CREDIT_FIX,
        ),
        401 | 403 => ModelError::end(
            ErrorCode::PROVIDER_AUTH,
            format!("The provider refused the key ({status}){said}."),
            KEY_FIX,
        ),
        429 => passing(ErrorCode::PROVIDER_RATE_LIMIT, format!("The provider asks to wait (429){said}.")),
        OVERLOADED => passing(ErrorCode::PROVIDER_DOWN, format!("The provider is overloaded (529){said}.")),
        408 | 409 | 500.. => passing(ErrorCode::PROVIDER_DOWN, format!("The provider is broken ({status}){said}.")),
        _ => ModelError::end(
            ErrorCode::PROVIDER_REFUSED,
            format!("The provider refused the request ({status}){said}."),
            "Check the agents' models and the provider's address in the settings.",
        ),
    }
}

/// The error that an `error` event in mid-stream stands for.
pub(crate) fn in_stream(error: &Value) -> ModelError {
    let kind = error["type"].as_str().unwrap_or_default();
    let words = error["message"].as_str().map(|text| one_line(text, WORDS)).unwrap_or_default();
    let status = match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => OVERLOADED,
        _ => 500,
    };
    of(status, kind, &words, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: ModelError) -> (String, bool) {
        match error {
            ModelError::Final(error) => (error.code.as_str().to_owned(), false),
            ModelError::Passing { error, .. } => (error.code.as_str().to_owned(), true),
        }
    }

    #[test]
    fn each_status_says_whose_move_it_is() {
        let low = "Your credit balance is too low to access the API.";
        for (status, kind, words, expected, passes) in [
            (401, "authentication_error", "invalid x-api-key", "provider.auth", false),
            (403, "permission_error", "", "provider.auth", false),
            (400, "invalid_request_error", low, "provider.credit", false),
            (402, "billing_error", "", "provider.credit", false),
            (400, "invalid_request_error", "bad", "provider.refused", false),
            (404, "not_found_error", "model: claude-x", "provider.refused", false),
            (413, "request_too_large", "", "provider.refused", false),
            (302, "", "", "provider.refused", false),
            (429, "rate_limit_error", "", "provider.rate_limit", true),
            (500, "api_error", "", "provider.down", true),
            (503, "", "", "provider.down", true),
            (529, "overloaded_error", "", "provider.down", true),
        ] {
            assert_eq!(code(of(status, kind, words, None)), (expected.to_owned(), passes), "{status} {kind} {words}");
        }
    }
}
