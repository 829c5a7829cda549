//! `aicib agent`.

use contract::{Agent, AgentState, Error, ErrorCode};

use super::sample::{agent, sheet};
use crate::commands::agent_rows;

#[test]
fn an_agents_row_has_what_there_is() {
    let problem =
        Error::new(ErrorCode::AGENT_INVALID, ".claude/agents/cmo.md, line 1: it has no frontmatter.", "Mend it.");
    let broken = Agent {
        department: String::new(),
        model: String::new(),
        problem: Some(problem),
        ..agent("cmo", AgentState::Error, "")
    };
    let worker = Agent {
        department: String::new(),
        reports_to: Some("cto".into()),
        ..agent("backend-engineer", AgentState::Idle, "")
    };
    let all = [agent("ceo", AgentState::Idle, ""), worker, broken];
    insta::assert_snapshot!(agent_rows(&all, &sheet()).join("\n"), @r"
    ceo               CEO               idle    executive, opus
    backend-engineer  Backend Engineer  idle    opus, reports to cto
    cmo               CMO               broken
                      .claude/agents/cmo.md, line 1: it has no frontmatter. Mend it.
    ");
}
