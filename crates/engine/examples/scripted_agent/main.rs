//! A program that stands in for agents' command-line programs: it speaks their protocols on stdin and stdout, calls a
//! model provider as they do, and runs commands and writes files itself. What it says and does comes from the
//! provider's answers, so a scripted provider (`testkit`) is all that plays it.
//!
//! `scripted_agent claude -p --input-format stream-json --output-format stream-json --verbose …` is Claude Code,
//! `scripted_agent codex app-server -c …` is Codex, `scripted_agent acp` is an agent that speaks ACP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a stand-in that cannot go on says where")]

mod agent;

fn main() {
    agent::main(std::env::args().skip(1).collect());
}
