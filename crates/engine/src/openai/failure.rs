//! Why a call did not work, from what the provider said.

use std::time::Duration;

use contract::{ErrorCode, one_line};
use reqwest::Response;
use serde_json::Value;

use super::Refused;
use crate::model::ModelError;
use crate::provider::{LATER_FIX, refusal, retry_after};

/// Characters of the provider's words that are passed on.
const WORDS: usize = 500;

const KEY_FIX: &str = "Check the key and store it again with `aicib key set openai`.";
const CREDIT_FIX: &str = "Add credit at the provider, then send the brief again.";
const MODEL_FIX: &str = "Check the model's name and the provider's address in the settings.";

/// What an error object says. Servers differ in all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its words, in lower case.
    pub words: String,
    /// The same as they came.
    told: String,
    /// Its names for the failure: `type` and `code`.
    kinds: Vec<String>,
    /// The field of the request that it is about.
    pub param: String,
    /// A status that it names.
    status: Option<u16>,
}

impl Said {
    /// Reads an error, from a body or from an event: `{"error": {…}}`, `{"error": "…"}`, `{"message": "…"}`,
    /// `{"detail": …}`, a list of one of those, or plain words.
    pub fn of(body: &[u8]) -> Said {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Said::of_value(&value),
            Err(_) => Said::of_words(&String::from_utf8_lossy(body)),
        }
    }

    /// The same of a value.
    pub fn of_value(value: &Value) -> Said {
        let value = value.get(0).unwrap_or(value);
        let error = if value["error"].is_null() { value } else { &value["error"] };
        if let Some(words) = error.as_str() {
            return Said::of_words(words);
        }
        let detail = &error["detail"];
        let first = detail.get(0).unwrap_or(detail);
        let words = [&error["message"], &error["msg"], detail, &first["msg"], &value["message"]];
        let words = words.into_iter().find_map(Value::as_str).unwrap_or_default();
        let name = |value: &Value| match value {
            Value::String(name) => Some(name.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let kinds: Vec<String> =
            [&error["type"], &error["code"], &error["status"], &value["code"]].into_iter().filter_map(name).collect();
        let status = kinds.iter().filter_map(|kind| kind.parse::<u16>().ok()).find(|code| (400..600).contains(code));
        let param = error["param"].as_str().unwrap_or_default().to_owned();
        Said { kinds, param, status, ..Said::of_words(words) }
    }

    fn of_words(words: &str) -> Said {
        // A page of a proxy's says nothing to anybody.
        let words = if words.trim_start().starts_with('<') { "" } else { words };
        let told = one_line(words, WORDS);
        Said { words: told.to_lowercase(), told, ..Said::default() }
    }

    fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|one| one.eq_ignore_ascii_case(kind))
    }

    /// Whether the conversation is longer than the model can hold.
    pub fn is_too_long(&self) -> bool {
        self.is("context_length_exceeded")
            || self.is("exceed_context_size_error")
            || ["maximum context length", "context window", "context size", "prompt is too long"]
                .iter()
                .any(|words| self.words.contains(words))
    }

    /// The numbers in its words.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.words.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok())
    }

    fn is_credit(&self) -> bool {
        self.is("insufficient_quota")
            || self.is("billing_hard_limit_reached")
            || self.is("billing_not_active")
            || ["credit balance", "insufficient credit", "insufficient balance", "exceeded your current quota"]
                .iter()
                .any(|words| self.words.contains(words))
    }
}

/// The error that a response with a status other than 200 stands for.
pub(crate) async fn refused(response: Response) -> Refused {
    let status = response.status().as_u16();
    let after = retry_after(&response);
    let said = Said::of(&refusal(response).await);
    let error = of(status, &said, after);
    let is_request = matches!(status, 400 | 404 | 413 | 415 | 422 | 500 | 501);
    if is_request { Refused::Request { status, said, error } } else { Refused::Other(error) }
}

/// The error for a status, or for the like of one in mid-stream.
pub(crate) fn of(status: u16, said: &Said, after: Option<Duration>) -> ModelError {
    let words = said.told.trim_end_matches('.');
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let passing = |code, message: String| match ModelError::passing(code, message, LATER_FIX) {
        ModelError::Passing { error, .. } => ModelError::Passing { error, after },
        other => other,
    };
    match status {
        _ if status == 402 || (matches!(status, 400 | 403 | 429) && said.is_credit()) => {
            let what = format!("The provider's account has no credit{words}.");
            ModelError::end(ErrorCode::PROVIDER_CREDIT, what, CREDIT_FIX)
        }
        401 | 403 => {
            let what = format!("The provider refused the key ({status}){words}.");
            ModelError::end(ErrorCode::PROVIDER_AUTH, what, KEY_FIX)
        }
        429 => passing(ErrorCode::PROVIDER_RATE_LIMIT, format!("The provider asks to wait (429){words}.")),
        529 => passing(ErrorCode::PROVIDER_DOWN, format!("The provider is overloaded (529){words}.")),
        408 | 409 | 500.. => passing(ErrorCode::PROVIDER_DOWN, format!("The provider is broken ({status}){words}.")),
        _ => {
            let what = format!("The provider refused the request ({status}){words}.");
            ModelError::end(ErrorCode::PROVIDER_REFUSED, what, MODEL_FIX)
        }
    }
}

/// The error that an error in mid-stream stands for, or one in an answer whose status was 200.
pub(crate) fn in_stream(value: &Value) -> ModelError {
    let said = Said::of_value(value);
    let status = said.status.unwrap_or_else(|| {
        let kinds = [
            (401, ["authentication_error", "invalid_api_key"]),
            (402, ["insufficient_quota", "billing_error"]),
            (403, ["permission_error", "permission_denied"]),
            (404, ["not_found_error", "model_not_found"]),
            (429, ["rate_limit_error", "rate_limit_exceeded"]),
            (529, ["overloaded_error", "engine_overloaded_error"]),
            (400, ["invalid_request_error", "BadRequestError"]),
        ];
        kinds.into_iter().find(|(_, names)| names.iter().any(|name| said.is(name))).map_or(500, |(status, _)| status)
    });
    of(status, &said, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(error: ModelError) -> (String, bool) {
        match error {
            ModelError::Final(error) => (error.code.as_str().to_owned(), false),
            ModelError::Passing { error, .. } => (error.code.as_str().to_owned(), true),
        }
    }

    #[test]
    fn each_status_says_whose_move_it_is_however_it_is_put() {
        for (status, body, expected, passes) in [
            (401, r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#, "provider.auth", false),
            (403, "<html>Forbidden</html>", "provider.auth", false),
            (402, r#"{"error":{"message":"Insufficient credits","code":402}}"#, "provider.credit", false),
            (429, r#"{"error":{"message":"x","type":"insufficient_quota"}}"#, "provider.credit", false),
            (429, r#"{"error":"Too many requests"}"#, "provider.rate_limit", true),
            (400, r#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#, "provider.refused", false),
            (404, r#"{"error":"model 'x' not found"}"#, "provider.refused", false),
            (422, r#"{"detail":[{"msg":"field required"}]}"#, "provider.refused", false),
            (500, "oops", "provider.down", true),
            (503, r#"{"error":{"message":"Loading model"}}"#, "provider.down", true),
            (529, "", "provider.down", true),
        ] {
            let error = of(status, &Said::of(body.as_bytes()), None);
            assert_eq!(code(error), (expected.to_owned(), passes), "{status} {body}");
        }
    }

    #[test]
    fn an_error_in_mid_stream_has_a_code_of_its_own() {
        for (value, expected) in [
            (json!({"error": {"message": "x", "code": 429}}), "provider.rate_limit"),
            (json!({"error": {"message": "x", "type": "invalid_api_key"}}), "provider.auth"),
            (json!({"error": "out of memory"}), "provider.down"),
            (json!({"object": "error", "message": "x", "type": "BadRequestError"}), "provider.refused"),
        ] {
            assert_eq!(code(in_stream(&value)).0, expected, "{value}");
        }
    }
}
