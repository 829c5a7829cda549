//! `aicib agent`.

use contract::{Agent, AgentState, Error, ErrorCode, JobId, Money};

use super::sample::{agent, sheet};
use crate::commands::{agent_facts, agent_tree, department_head};
use crate::failure::Failure;
use crate::text::columns;

fn under(head: &str, agent: Agent) -> Agent {
    Agent { reports_to: Some(head.into()), ..agent }
}

fn team() -> Vec<Agent> {
    let problem =
        Error::new(ErrorCode::AGENT_INVALID, ".claude/agents/cmo.md, line 1: it has no frontmatter.", "Mend it.");
    vec![
        Agent {
            today_usd: Money::nanos(1_204_000_000),
            ..agent("ceo", AgentState::Working, "Write a company description")
        },
        under("cto", Agent { department: "engineering".into(), ..agent("backend-engineer", AgentState::Idle, "") }),
        Agent { problem: Some(problem), model: String::new(), ..under("ceo", agent("cmo", AgentState::Error, "")) },
        Agent { enabled: false, ..under("ceo", agent("cfo", AgentState::Stopped, "Count")) },
        under(
            "ceo",
            Agent {
                name: "Ada".into(),
                department: "engineering".into(),
                today_usd: Money::nanos(74_600_000),
                limit_usd: Money::nanos(90_000_000),
                ..agent("cto", AgentState::Working, "Look through the code and say what is missing in it, file by file")
            },
        ),
    ]
}

#[test]
fn the_team_is_a_tree_of_who_answers_to_whom() {
    insta::assert_snapshot!(agent_tree(&team(), &sheet()).join("\n"));
    assert!(agent_tree(&[], &sheet()).join("").contains("`aicib agent add`"));
}

#[test]
fn whatever_the_files_say_everybody_is_shown_once() {
    let circle = vec![
        under("b", agent("a", AgentState::Idle, "")),
        under("a", agent("b", AgentState::Idle, "")),
        under("nobody", agent("c", AgentState::Idle, "")),
        under("d", agent("d", AgentState::Idle, "")),
    ];
    let deep: Vec<Agent> = (0..100)
        .map(|number| under(&format!("r{}", number - 1), agent(&format!("r{number}"), AgentState::Idle, "")))
        .collect();
    for team in [circle, deep] {
        let rows = agent_tree(&team, &sheet());
        assert_eq!(rows.len(), team.len() + 1, "{rows:#?}");
        for agent in &team {
            let word = |row: &&String| row.split_whitespace().any(|word| word == agent.role);
            assert_eq!(rows.iter().filter(word).count(), 1, "{}: {rows:#?}", agent.role);
        }
        assert!(rows.iter().all(|row| columns(row) <= 80), "{rows:#?}");
    }
}

#[test]
fn an_agent_says_what_it_is_and_may() {
    let ada = Agent {
        title: "Decides how things are built".into(),
        skills: vec!["code-review".into(), "architecture".into()],
        job_id: Some(JobId(7)),
        ..team().remove(4)
    };
    insta::assert_snapshot!(agent_facts(&ada, &sheet()).join("\n"));
}

#[test]
fn a_department_is_found_by_its_name_or_by_its_head() {
    let team = team();
    let head = |typed: &str| department_head(&team, typed).map(|agent| agent.role.clone());
    assert_eq!(head("Engineering").unwrap(), "cto");
    assert_eq!(head("cfo").unwrap(), "cfo");
    let Err(Failure::Usage(message)) = head("cooking") else { panic!("there is no such department") };
    assert_eq!(message, "There is no department \"cooking\". There are engineering, executive.");
}
