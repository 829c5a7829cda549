//! An agent's calls to its model, as far as they show: an agent reports what it used when its turn has ended, and limits
//! hold before that. Pure.

use serde_json::Value;

use crate::model::Usage;
use crate::readers::Happened;

/// The most tokens that are believed of a conversation.
const MOST: i64 = 100_000_000;

/// Tells the calls of a session apart. A call begins with the first output after a tool came back.
#[derive(Default)]
pub(super) struct Calls {
    /// The model, as the session says.
    model: String,
    /// Whether the model is answering.
    answers: bool,
    /// Tokens of the conversation, as the agent said last: some say it when a call begins.
    context: i64,
    /// The same when the last call was told: so much of it is in the provider's cache.
    told: i64,
}

impl Calls {
    /// Takes what the reader makes of a line: the session's model.
    pub fn heard(&mut self, happened: &Happened) {
        if let Happened::Conversation { model, .. } = happened {
            self.model.clone_from(model);
        }
    }

    /// Takes an update. The call that it shows, with what it may have used.
    pub fn update(&mut self, update: &Value) -> Option<Happened> {
        match update["sessionUpdate"].as_str().unwrap_or_default() {
            "agent_message_chunk" | "agent_thought_chunk" | "tool_call" => {
                let begins = !std::mem::replace(&mut self.answers, true);
                return begins.then(|| self.call());
            }
            "usage_update" => {
                let context = update["used"].as_i64().filter(|context| (1..=MOST).contains(context));
                self.context = context.unwrap_or(self.context);
            }
            "tool_call_update" if matches!(update["status"].as_str(), Some("completed" | "failed")) => {
                self.answers = false;
            }
            _ => {}
        }
        None
    }

    /// The turn is over: what comes next is another call.
    pub fn over(&mut self) {
        self.answers = false;
    }

    fn call(&mut self) -> Happened {
        let cached = self.told.min(self.context);
        let usage = Usage { input: self.context - cached, output: 0, cache_read: cached, cache_write: 0 };
        self.told = self.context;
        Happened::Estimated { model: self.model.clone(), usage, parent: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(updates: &[Value]) -> Vec<Usage> {
        let mut calls = Calls::default();
        let told = updates.iter().filter_map(|update| calls.update(update));
        told.filter_map(|one| match one {
            Happened::Estimated { usage, .. } => Some(usage),
            _ => None,
        })
        .collect()
    }

    fn usage(input: i64, cache_read: i64) -> Usage {
        Usage { input, output: 0, cache_read, cache_write: 0 }
    }

    #[test]
    fn each_call_is_told_once_with_what_is_known_of_it() {
        let says = json!({ "sessionUpdate": "agent_message_chunk" });
        let calls = json!({ "sessionUpdate": "tool_call" });
        let back = json!({ "sessionUpdate": "tool_call_update", "status": "completed" });
        let used = |used: i64| json!({ "sessionUpdate": "usage_update", "used": used });
        let first = [used(1000), says.clone(), says.clone(), used(1010), calls.clone(), calls.clone(), back.clone()];
        let second = [back.clone(), used(1500), says.clone(), used(1501)];
        assert_eq!(told(&[first.to_vec(), second.to_vec()].concat()), [usage(1000, 0), usage(500, 1000)]);
        let silent = [says.clone(), calls.clone(), back.clone(), says, calls, back];
        assert_eq!(told(&silent), [usage(0, 0), usage(0, 0)], "an agent that says nothing of it is counted too");
    }

    #[test]
    fn hostile_numbers_do_no_harm() {
        let used = |used: Value| json!({ "sessionUpdate": "usage_update", "used": used });
        let says = json!({ "sessionUpdate": "agent_message_chunk" });
        let hostile = [used(json!(-5)), used(json!(i64::MAX)), used(json!(1e300)), used(json!("x")), says];
        assert_eq!(told(&hostile), [usage(0, 0)]);
    }
}
