//! What agents are told, whole.
#![allow(clippy::unwrap_used)] // helpers of tests count as code

use std::path::PathBuf;

use company::prompt::{self, PromptOptions};
use company::{Company, Create, create};
use contract::Money;

fn acme() -> Company {
    let temp = tempfile::tempdir().unwrap();
    let spec = Create {
        name: "Acme".to_owned(),
        dir: temp.path().join("acme"),
        template: Some("saas-startup".to_owned()),
        ..Create::default()
    };
    let mut company = create(&spec).unwrap();
    company.dir = PathBuf::from("/companies/acme");
    company
}

fn options(tools: &[&str], commands: bool) -> PromptOptions {
    PromptOptions { tools: tools.iter().map(|tool| (*tool).to_owned()).collect(), commands, ..PromptOptions::default() }
}

#[test]
fn the_ceo_knows_company_team_folder_and_rules() {
    let company = acme();
    let mut options = options(&["Read", "Write", "delegate"], false);
    options.max_cost_usd = Money::dollars(2.5).unwrap();
    insta::assert_snapshot!(prompt::system(&company, company.ceo().unwrap(), &options));
}

#[test]
fn a_worker_has_no_team_and_may_run_commands_where_that_is_on() {
    let mut company = acme();
    company.config.persona_overrides.insert("backend-engineer".to_owned(), "technical".to_owned());
    let agent = company.agent("backend-engineer").unwrap();
    let text = prompt::system(&company, agent, &options(&["Read", "Write", "Bash"], true));
    insta::assert_snapshot!(&text[text.find("## Your Company").unwrap()..]);
}

#[test]
fn e008_the_absolute_folder_stands_in_prompt_brief_and_task() {
    let company = acme();
    for agent in company.team() {
        let text = prompt::system(&company, agent, &options(&["Read", "delegate"], false));
        assert!(text.contains("/companies/acme") && text.contains("absolute path"), "{}", agent.role);
    }
    insta::assert_snapshot!(prompt::brief(&company, "  Write a page.\n"));
    insta::assert_snapshot!(prompt::task(&company, "ceo", "Write /companies/acme/about.md."));
}
