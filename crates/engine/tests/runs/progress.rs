//! How far a run says that it is.

use contract::{EventBody, Outcome, Stages};
use serde_json::json;
use testkit::{On, Provider, Script, Turn};

use crate::support::{Folder, TestHost, practice_spec, run};

fn said(host: &TestHost) -> Vec<(i64, i64, Option<Stages>)> {
    let entries = host.entries().into_iter();
    let said = entries.filter_map(|entry| match entry.body {
        EventBody::Progress { done, total, stages, .. } => {
            assert_eq!((entry.agent.as_str(), entry.parent), ("ceo", None), "it is the job's");
            Some((done, total, stages))
        }
        _ => None,
    });
    said.collect()
}

#[tokio::test]
async fn a_rehearsal_knows_its_steps_from_the_start() {
    for structure in ["full-c-suite", "lean-startup", "minimal"] {
        let folder = Folder::new(structure);
        let host = TestHost::new();
        let spec = practice_spec(100.0);
        let ending = engine::open(spec).unwrap().run(&folder.brief("Write a page"), &host).await;
        assert_eq!(ending.outcome, Outcome::Completed);
        let said = said(&host);
        let total = said[0].1;
        assert!(total >= 3 && said.iter().all(|(_, of, _)| *of == total), "{structure}: {said:?}");
        assert!(said.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{structure}: {said:?}");
        let (last, before) = said.split_last().unwrap();
        assert!(last.0 == total && before.iter().all(|(done, _, _)| *done < total), "{structure}: {said:?}");
        let calls = host.kinds().into_iter().filter(|kind| *kind == "usage").count();
        assert_eq!(i64::try_from(calls).unwrap(), total, "{structure}: as many steps as calls");
    }
}

#[tokio::test]
async fn delegations_below_the_ceos_count_and_one_that_failed_is_behind_us_too() {
    let script = Script::default()
        .when(
            On::Task("Build".into()),
            [
                Turn::tool("delegate", json!({ "to": "backend-engineer", "task": "Write the code" })),
                Turn::text("Built."),
            ],
        )
        .when(On::Task("Write the code".into()), [Turn::error(400, "invalid_request_error", "no")])
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Build" })), Turn::text("Done.")]);
    let folder = Folder::new("lean-startup");
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    let counts: Vec<_> = said(&host).into_iter().map(|(done, total, _)| (done, total)).collect();
    assert_eq!(counts, [(0, 2), (0, 3), (1, 3), (2, 3), (3, 3)]);
}

#[tokio::test]
async fn stages_are_told_where_the_ceo_hands_out_stages_only() {
    let folder = Folder::new("minimal");
    for role in ["architect", "coder"] {
        let text = format!(
            "---\nname: {role}\ntitle: {role}\nmodel: sonnet\ntools: Read\nreports_to: ceo\n---\n\nYou are the {role}.\n"
        );
        std::fs::write(folder.dir.join(format!(".claude/agents/{role}.md")), text).unwrap();
    }
    let script = Script::default().when(On::Task("Part".into()), [Turn::text("Part done.")]).when(
        On::Any,
        [
            Turn::tool("delegate", json!({ "to": "architect", "task": "Part one" })),
            Turn::tool("delegate", json!({ "to": "coder", "task": "Part two" })),
            Turn::text("Done."),
        ],
    );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    let mut stages: Vec<_> = said(&host)
        .into_iter()
        .filter_map(|(_, _, stages)| stages)
        .map(|stages| (stages.current, stages.completed.join(" ")))
        .collect();
    stages.dedup();
    let expected = [("architect", ""), ("", "architect"), ("coder", "architect"), ("", "architect coder")];
    assert_eq!(stages, expected.map(|(current, completed)| (current.to_owned(), completed.to_owned())));
}
