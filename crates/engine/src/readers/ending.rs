//! What an end means: error codes from a program's words, status codes, exit codes and signals.

use contract::{Error, ErrorCode, Outcome, one_line};
use serde_json::json;

use super::End;

/// Characters of a program's words that are passed on.
const WORDS: usize = 400;
/// The field of an error's data that says when a quota is there again, in milliseconds since 1970.
pub(crate) const RESETS_AT: &str = "resets_at";

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
/// What shells and these programs add to a signal for an exit code.
const BY_SIGNAL: i32 = 128;

/// What a program told of its failure.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault {
    /// The program's name on screen.
    pub program: &'static str,
    /// The HTTP status, where one is named.
    pub status: Option<u16>,
    /// Its name for the failure, where it has one.
    pub kind: String,
    /// Its words.
    pub words: String,
    /// When a limit is lifted, where it says so: in milliseconds since 1970.
    pub resets_at: Option<i64>,
}

impl Fault {
    /// The error that this is.
    pub fn error(&self) -> Error {
        self.as_code(self.code().unwrap_or(ErrorCode::ENGINE_FAILED))
    }

    /// The error by the name of `code`.
    pub fn as_code(&self, code: ErrorCode) -> Error {
        let words = one_line(&self.words, WORDS);
        let words = words.trim_end_matches('.');
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let program = self.program;
        let (what, fix) = match code.as_str() {
            "engine.login" => ("is not logged in", "Log in with the program itself, or store a key for its provider."),
            "provider.auth" => ("was refused by its provider", "Check its key or its login."),
            "provider.credit" => ("found the account without credit", "Add credit at the provider."),
            "provider.quota" => ("used up its quota", "Wait until it is there again, or choose another engine."),
            "provider.rate_limit" => ("was asked to wait by its provider", "Send the brief again later."),
            "provider.down" => ("found its provider overloaded or broken", "Send the brief again later."),
            "provider.network" => ("could not reach its provider", "Check the network and any proxy."),
            "provider.protocol" => ("got an answer that broke off", "Send the brief again."),
            "provider.refused" => {
                ("had its request refused by the provider", "Check the model and the provider's address.")
            }
            "session.not_found" => ("does not know the conversation", "Send the brief again: it begins a new one."),
            "run.turns_reached" => ("reached its number of turns", "Raise the limit, or send a smaller brief."),
            "budget.brief_reached" => ("reached the brief's limit", "Raise the limit, then send the brief again."),
            _ => ("failed", "Send the brief again; `aicib logs --raw` shows what the program wrote."),
        };
        let error = Error::new(code, format!("{program} {what}{said}."), fix);
        match self.resets_at {
            Some(at) => error.with(json!({ RESETS_AT: at })),
            None => error,
        }
    }

    /// The code that its status, name and words stand for, as far as they say anything.
    fn code(&self) -> Option<ErrorCode> {
        let words = self.words.to_lowercase();
        let has = |some: &[&str]| some.iter().any(|word| words.contains(word));
        if has(&LOGIN) {
            return Some(ErrorCode::ENGINE_LOGIN);
        }
        if has(&CREDIT) || self.kind == "billing_error" || self.kind == "insufficient_quota" {
            return Some(ErrorCode::PROVIDER_CREDIT);
        }
        if has(&QUOTA) {
            return Some(ErrorCode::PROVIDER_QUOTA);
        }
        if has(&UNKNOWN_CONVERSATION) {
            return Some(ErrorCode::SESSION_NOT_FOUND);
        }
        let by_status = self.status.or_else(|| status_in(&words)).and_then(of_status);
        by_status.or_else(|| of_kind(&self.kind)).or_else(|| {
            let by_words = [
                (ErrorCode::PROVIDER_AUTH, AUTH.as_slice()),
                (ErrorCode::PROVIDER_RATE_LIMIT, RATE.as_slice()),
                (ErrorCode::PROVIDER_DOWN, DOWN.as_slice()),
                (ErrorCode::PROVIDER_PROTOCOL, BROKE_OFF.as_slice()),
                (ErrorCode::PROVIDER_NETWORK, NETWORK.as_slice()),
                (ErrorCode::PROVIDER_REFUSED, REFUSED.as_slice()),
            ];
            by_words.into_iter().find(|(_, some)| has(some)).map(|(code, _)| code)
        })
    }
}

const LOGIN: [&str; 8] = [
    "not logged in",
    "run /login",
    "codex login",
    "auth login",
    "login required",
    "oauth token has expired",
    "authentication required",
    "set an auth method",
];
const CREDIT: [&str; 5] =
    ["credit balance", "insufficient_quota", "out of credit", "check your plan and billing", "insufficient credits"];
const QUOTA: [&str; 6] = [
    "usage limit",
    "hit your limit",
    "session limit reached",
    "weekly limit",
    "exhausted your capacity",
    "exhausted your daily quota",
];
const UNKNOWN_CONVERSATION: [&str; 6] = [
    "no conversation found",
    "session not found",
    "no rollout found",
    "thread not found",
    "conversation not found",
    "no such session",
];
const AUTH: [&str; 6] = [
    "invalid api key",
    "invalid x-api-key",
    "unauthorized",
    "incorrect api key",
    "api key not valid",
    "authentication_error",
];
const RATE: [&str; 4] = ["rate limit", "rate_limit", "too many requests", "resource_exhausted"];
const DOWN: [&str; 6] =
    ["overloaded", "internal server error", "service unavailable", "bad gateway", "server error", "at capacity"];
const BROKE_OFF: [&str; 8] = [
    "stream disconnected",
    "stream closed",
    "mid-response",
    "incomplete",
    "premature close",
    "unexpected end",
    "stream ended",
    "terminated",
];
const NETWORK: [&str; 11] = [
    "connection error",
    "connection refused",
    "econnrefused",
    "econnreset",
    "enotfound",
    "unable to connect",
    "fetch failed",
    "error sending request",
    "network error",
    "timed out",
    "dns error",
];
const REFUSED: [&str; 4] = ["invalid_request", "prompt is too long", "context window", "model not found"];

fn of_status(status: u16) -> Option<ErrorCode> {
    Some(match status {
        401 | 403 => ErrorCode::PROVIDER_AUTH,
        402 => ErrorCode::PROVIDER_CREDIT,
        429 => ErrorCode::PROVIDER_RATE_LIMIT,
        408 | 409 | 500..=599 => ErrorCode::PROVIDER_DOWN,
        400..=499 => ErrorCode::PROVIDER_REFUSED,
        _ => return None,
    })
}

/// Names that programs and providers have for failures.
fn of_kind(kind: &str) -> Option<ErrorCode> {
    Some(match kind {
        "authentication_failed" | "authentication_error" | "permission_error" | "unauthorized" => {
            ErrorCode::PROVIDER_AUTH
        }
        "rate_limit" | "rate_limit_error" => ErrorCode::PROVIDER_RATE_LIMIT,
        "usageLimitExceeded" => ErrorCode::PROVIDER_QUOTA,
        "overloaded"
        | "overloaded_error"
        | "server_error"
        | "api_error"
        | "serverOverloaded"
        | "internalServerError"
        | "responseTooManyFailedAttempts" => ErrorCode::PROVIDER_DOWN,
        "invalid_request"
        | "invalid_request_error"
        | "not_found_error"
        | "model_not_found"
        | "max_output_tokens"
        | "contextWindowExceeded"
        | "badRequest"
        | "cyberPolicy" => ErrorCode::PROVIDER_REFUSED,
        "responseStreamDisconnected" => ErrorCode::PROVIDER_PROTOCOL,
        "httpConnectionFailed" | "responseStreamConnectionFailed" => ErrorCode::PROVIDER_NETWORK,
        "sessionBudgetExceeded" => ErrorCode::BUDGET_BRIEF,
        _ => return None,
    })
}

/// The HTTP status that words name: "API Error: 400 …", "unexpected status 401", "last status: 529", "Repeated 529".
fn status_in(words: &str) -> Option<u16> {
    const BEFORE: [&str; 8] = ["error:", "error", "status", "status:", "code", "code:", "http", "repeated"];
    let mut before = "";
    for word in words.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '[' | ']')) {
        if word.is_empty() {
            continue;
        }
        let number = word.trim_end_matches([':', '.', ';']);
        if number.len() == 3 && BEFORE.contains(&before) {
            let status = number.parse::<u16>().ok().filter(|status| (400..600).contains(status));
            if status.is_some() {
                return status;
            }
        }
        before = word;
    }
    None
}

/// The end of a process that said nothing of its end in its own words.
///
/// SIGTERM and SIGHUP, by the signal or by the exit code that stands for it, are somebody's word to stop: cancelled.
/// So is SIGINT, and that an agent is interrupted by. Any other signal, an exit code, and an exit with nothing to show
/// are failures.
pub(super) fn died(program: &'static str, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
    let by_signal = signal.or_else(|| exit.filter(|exit| (129..160).contains(exit)).map(|exit| exit - BY_SIGNAL));
    if let Some(signal @ (SIGHUP | SIGINT | SIGTERM)) = by_signal {
        return End::cancelled(signal == SIGINT);
    }
    let last = last_line(stderr_tail);
    let fault = Fault { program, words: last.to_owned(), ..Fault::default() };
    let error = match (by_signal, exit) {
        (Some(signal), _) => {
            let words = format!("it was killed by signal {signal}");
            Fault { words, ..fault }.as_code(ErrorCode::ENGINE_FAILED)
        }
        (None, Some(0) | None) => {
            let words = if last.is_empty() {
                "it ended without an answer".to_owned()
            } else {
                format!("it ended without an answer ({last})")
            };
            Fault { words, ..fault }.as_code(ErrorCode::ENGINE_FAILED)
        }
        (None, Some(exit)) if last.is_empty() => {
            let words = format!("it ended with exit code {exit}");
            Fault { words, ..fault }.as_code(ErrorCode::ENGINE_FAILED)
        }
        (None, Some(_)) => {
            // The whole tail says what the last line alone may not.
            let code = Fault { words: stderr_tail.to_owned(), ..fault.clone() }.code();
            fault.as_code(code.unwrap_or(ErrorCode::ENGINE_FAILED))
        }
    };
    End::failed(error)
}

/// The last line that says something.
fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Whether an exit after a whole answer says that something went wrong all the same: one that no signal brought about.
pub(super) fn went_wrong(exit: Option<i32>, signal: Option<i32>) -> bool {
    signal.is_none() && exit.is_some_and(|exit| (1..=BY_SIGNAL).contains(&exit))
}

impl End {
    /// It finished.
    pub(super) fn completed(text: Option<String>) -> End {
        End { outcome: Outcome::Completed, interrupted: false, error: None, text, turns: 0, cost: None }
    }

    /// It failed.
    pub(super) fn failed(error: Error) -> End {
        End { outcome: Outcome::Failed, interrupted: false, error: Some(error), text: None, turns: 0, cost: None }
    }

    /// The same end, for the reason that the program gave before, where the end itself tells none.
    pub(super) fn explained(self, fault: Option<Fault>) -> End {
        let unexplained = self.error.as_ref().is_some_and(|error| error.code == ErrorCode::ENGINE_FAILED);
        match fault {
            Some(fault) if unexplained => End { error: Some(fault.error()), ..self },
            _ => self,
        }
    }

    /// It was told to stop.
    pub(super) fn cancelled(interrupted: bool) -> End {
        End { outcome: Outcome::Cancelled, interrupted, error: None, text: None, turns: 0, cost: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: Option<u16>, kind: &str, words: &str) -> String {
        let fault = Fault { program: "X", status, kind: kind.into(), words: words.into(), resets_at: None };
        fault.error().code.as_str().to_owned()
    }

    #[test]
    fn words_of_real_programs_stand_for_codes() {
        for (status, kind, words, expected) in [
            (None, "authentication_failed", "Not logged in · Please run /login", "engine.login"),
            (Some(401), "authentication_error", "Invalid API key · Fix external API key", "provider.auth"),
            (Some(400), "invalid_request_error", "Credit balance is too low", "provider.credit"),
            (None, "", "API Error: 400 standin: bad request", "provider.refused"),
            (None, "", "API Error: Repeated 529 Overloaded errors", "provider.down"),
            (Some(429), "rate_limit_error", "API Error: Request rejected (429)", "provider.rate_limit"),
            (None, "", "unexpected status 401 Unauthorized: invalid x-api-key", "provider.auth"),
            (None, "", "exceeded retry limit, last status: 429 Too Many Requests", "provider.rate_limit"),
            (None, "", "stream disconnected before completion: closed", "provider.protocol"),
            (None, "", "Quota exceeded. Check your plan and billing details.", "provider.credit"),
            (None, "", "You've hit your usage limit. Try again in 3 days.", "provider.quota"),
            (None, "", "error sending request for url (http://127.0.0.1:1/)", "provider.network"),
            (None, "", "No conversation found with session ID: 9", "session.not_found"),
            (None, "", "something odd with 401 apples", "engine.failed"),
        ] {
            assert_eq!(code(status, kind, words), expected, "{words}");
        }
    }

    #[test]
    fn signals_to_stop_are_no_failures() {
        let died = |exit, signal| {
            let end = died("X", exit, signal, "");
            (end.outcome, end.interrupted, end.error.map(|error| error.code))
        };
        for (exit, signal) in [(Some(143), None), (None, Some(15)), (Some(129), None)] {
            assert_eq!(died(exit, signal), (Outcome::Cancelled, false, None));
        }
        assert_eq!(died(Some(130), None), (Outcome::Cancelled, true, None));
        for (exit, signal) in [(None, Some(9)), (Some(137), None), (Some(1), None), (Some(0), None), (None, None)] {
            assert_eq!(died(exit, signal), (Outcome::Failed, false, Some(ErrorCode::ENGINE_FAILED)), "{exit:?}");
        }
    }
}
