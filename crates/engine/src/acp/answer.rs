//! What an agent is answered that asks whether it may do something. Pure.

use agent_client_protocol::v1::schema::{
    PermissionOption, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse, SelectedPermissionOutcome,
};
use serde_json::Value;

/// The options that a question offers; none where it makes no sense.
pub(super) fn options(params: &Value) -> Vec<PermissionOption> {
    let asked: Result<RequestPermissionRequest, _> = serde_json::from_value(params.clone());
    match asked {
        Ok(asked) => asked.options,
        // Whatever else is wrong with it, its options may be right.
        Err(_) => params["options"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|option| serde_json::from_value(option.clone()).ok())
            .collect(),
    }
}

/// The answer to a question with these options. An agent is never told "always": whether something is allowed from now
/// on is the founder's rule, which is kept here. An agent that offers nothing for once is told that the question is
/// withdrawn, which it takes for a no.
pub(super) fn answer(options: &[PermissionOption], allow: bool) -> RequestPermissionResponse {
    use PermissionOptionKind::{AllowOnce, RejectAlways, RejectOnce};
    let kinds: &[PermissionOptionKind] = if allow { &[AllowOnce] } else { &[RejectOnce, RejectAlways] };
    let found = kinds.iter().find_map(|kind| options.iter().find(|option| option.kind == *kind));
    RequestPermissionResponse::new(match found {
        Some(option) => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id.clone())),
        None => RequestPermissionOutcome::Cancelled,
    })
}

/// The answer to a question that nobody will answer, since the turn is broken off.
pub(super) fn cancelled() -> RequestPermissionResponse {
    RequestPermissionResponse::new(RequestPermissionOutcome::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answered(kinds: &[&str], allow: bool) -> Value {
        let options: Vec<_> =
            kinds.iter().map(|kind| json!({ "optionId": format!("o-{kind}"), "name": kind, "kind": kind })).collect();
        let params = json!({ "sessionId": "s", "toolCall": { "toolCallId": "t" }, "options": options });
        serde_json::to_value(answer(&super::options(&params), allow)).unwrap()["outcome"].clone()
    }

    #[test]
    fn the_answer_is_an_option_of_the_right_kind() {
        let all = ["allow_always", "allow_once", "reject_once", "reject_always"];
        assert_eq!(answered(&all, true), json!({ "outcome": "selected", "optionId": "o-allow_once" }));
        assert_eq!(answered(&all, false), json!({ "outcome": "selected", "optionId": "o-reject_once" }));
        assert_eq!(answered(&["reject_always"], false)["optionId"], "o-reject_always");
    }

    #[test]
    fn nothing_is_allowed_for_good_and_nothing_by_mistake() {
        assert_eq!(answered(&["allow_always"], true), json!({ "outcome": "cancelled" }));
        assert_eq!(answered(&["allow_always", "allow_once"], false), json!({ "outcome": "cancelled" }));
        assert_eq!(answered(&["something_new"], true), json!({ "outcome": "cancelled" }));
        assert_eq!(super::options(&json!({ "options": 3 })), []);
    }
}
