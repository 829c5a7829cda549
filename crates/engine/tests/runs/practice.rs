//! The practice engine: whole runs without a model.

use std::time::{Duration, Instant};

use crate::support::{Folder, TestHost, practice_spec};
use contract::{CostBasis, EventBody, Outcome};
use testkit::wait_for;

fn practice(pace: f64) -> Box<dyn engine::Engine> {
    engine::open(practice_spec(pace)).unwrap()
}

async fn run(folder: &Folder, directive: &str) -> (TestHost, engine::Ending) {
    let host = TestHost::new();
    let ending = practice(100.0).run(&folder.brief(directive), &host).await;
    host.check();
    (host, ending)
}

#[tokio::test]
async fn a_rehearsal_delegates_writes_a_report_and_says_what_it_is() {
    let folder = Folder::new("full-c-suite");
    let (host, ending) = run(&folder, "Write a company description").await;
    assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
    assert!(ending.answer.unwrap().contains("practice"));
    let report = std::fs::read_to_string(folder.dir.join("reports/job-7-write-a-company-description.md")).unwrap();
    assert!(report.lines().take(4).any(|line| line.contains("rehearsal")), "{report}");
    assert!(report.contains("No model was used") && report.contains("CMO"), "{report}");
    let delegations = host.kinds().into_iter().filter(|kind| *kind == "delegation_started").count();
    assert!((2..=3).contains(&delegations), "{delegations}");
    let changes: Vec<_> = host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            EventBody::ToolFinished { change, ok, .. } => {
                assert!(ok);
                change
            }
            _ => None,
        })
        .collect();
    assert_eq!(changes.len(), 2, "a head's note and the report: {changes:?}");
    assert!(host.messages().iter().all(|text| text.to_lowercase().contains("practice")));
    for body in host.bodies() {
        if let EventBody::Usage { model, basis, cost_usd, .. } = body {
            assert_eq!((model.as_str(), basis, cost_usd.as_nanos()), ("practice", CostBasis::Free, 0));
        }
    }
    assert!(host.leased.lock().unwrap().is_empty());
    let messages: String = host.messages().concat();
    let deltas = host.deltas.lock().unwrap();
    assert_eq!(deltas.iter().map(|(_, _, text)| text.len()).sum::<usize>(), messages.len());
}

#[tokio::test]
async fn the_same_job_plays_the_same() {
    let directive = "Plan a launch and its budget";
    let mut seen = Vec::new();
    for _ in 0..2 {
        let folder = Folder::new("full-c-suite");
        let (host, ending) = run(&folder, directive).await;
        let mut messages = host.messages();
        messages.sort();
        let file = folder.dir.join("reports/job-7-plan-a-launch-and-its-budget.md");
        seen.push((messages, ending.answer, std::fs::read_to_string(file).unwrap()));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn odd_briefs_play_too() {
    let folder = Folder::new("lean-startup");
    for directive in ["\u{1}\u{2}\u{1b}[31m\u{0}", &"ä".repeat(128 * 1024), "/", "]](x)`<script>", "💥"] {
        let (host, ending) = run(&folder, directive).await;
        assert_eq!(ending.outcome, Outcome::Completed, "{:?}", ending.error);
        host.entries.lock().unwrap().retain(|entry| entry.body.kind() != "prompt");
        assert!(host.text().len() < 100_000, "only the first words are quoted");
    }
}

#[tokio::test]
async fn a_ceo_without_a_team_works_alone() {
    let folder = Folder::new("minimal");
    std::fs::remove_file(folder.dir.join(".claude/agents/cto.md")).unwrap();
    let (host, ending) = run(&folder, "Write a page").await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(!host.kinds().contains(&"delegation_started"));
    let report = std::fs::read_to_string(folder.dir.join("reports/job-7-write-a-page.md")).unwrap();
    assert!(report.contains("worked alone"));
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_said() {
    let folder = Folder::new("full-c-suite");
    std::fs::write(folder.dir.join("reports"), "a file in the way").unwrap();
    let (_host, ending) = run(&folder, "Write a page").await;
    assert_eq!(ending.outcome, Outcome::Completed);
    let answer = ending.answer.unwrap();
    assert!(answer.contains("could not be written"), "{answer}");
}

#[tokio::test]
async fn at_pace_ten_it_takes_about_a_tenth_of_eight_seconds() {
    let folder = Folder::new("full-c-suite");
    let host = TestHost::new();
    let began = Instant::now();
    practice(10.0).run(&folder.brief("Write a company description"), &host).await;
    let took = began.elapsed().as_secs_f64();
    assert!(host.deltas.lock().unwrap().len() > 20, "words come one after the other");
    // The upper bound leaves room for a busy machine.
    assert!((0.7..4.0).contains(&took), "{took}");
}

#[tokio::test]
async fn a_stop_ends_it_at_once() {
    let folder = Folder::new("full-c-suite");
    let host = TestHost::new();
    let brief = folder.brief("Write a page");
    let engine = practice(0.1);
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || !host.deltas.lock().unwrap().is_empty()).await);
        host.stop.cancel();
        Instant::now()
    };
    let (ending, stopped) = tokio::join!(engine.run(&brief, &host), stopping);
    assert!(stopped.elapsed() < Duration::from_secs(1));
    assert_eq!(ending.outcome, Outcome::Cancelled);
    host.check();
}
