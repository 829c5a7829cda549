//! Commands at a real terminal: Ctrl-C, and questions.
#![cfg(target_os = "linux")]

use blackbox::{SOON, Terminal, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use testkit::{Provider, Script, Turn};

const CTRL_C: &str = "\u{3}";

#[tokio::test]
async fn ctrl_c_cancels_and_waits_until_nothing_is_left() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.6).await?;
    let mut brief = terminal.sit_at(&["brief", "Write a long page"])?;
    brief.until("asks")?;
    brief.type_in(CTRL_C)?;
    brief.until("Stopping job #1")?;
    brief.until("0 left")?;
    let ran = brief.ended().await?;
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.out.contains("Job #1 cancelled"), "{ran:?}");
    assert_eq!(terminal.run(&["status", "--json", "--job", "1"])?.json()?["state"], "cancelled");
    Ok(())
}

#[tokio::test]
async fn ctrl_c_twice_leaves_the_job_to_the_daemon() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.6).await?;
    let daemon = Pid::from_raw(terminal.daemon_pid().await?).unwrap();
    let mut brief = terminal.sit_at(&["brief", "Write a long page"])?;
    brief.until("asks")?;
    // One that does not answer: the cancel takes as long as it takes.
    kill_process(daemon, Signal::STOP)?;
    brief.type_in(CTRL_C)?;
    brief.until("Stopping job #1")?;
    brief.type_in(CTRL_C)?;
    brief.until("Detached. Job #1")?;
    let ran = brief.ended().await;
    kill_process(daemon, Signal::CONT)?;
    let ran = ran?;
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.out.contains("`aicib logs 1 -f`"), "{ran:?}");
    // The daemon has heard the first one, or hears this.
    terminal.run(&["stop"])?.good()?;
    terminal.daemon().await?.job(1, &["cancelled"], SOON).await?;
    Ok(())
}

#[tokio::test]
async fn a_cancel_that_could_mean_several_asks_which() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.2).await?;
    for title in ["Write the first page", "Write the second page", "Write the third page"] {
        terminal.run(&["brief", "-b", "--queue", title])?.good()?;
    }
    let mut left = terminal.sit_at(&["cancel"])?;
    left.until("Write the third page")?;
    left.type_in("q\n")?;
    let ran = left.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Nothing was stopped"), "{ran:?}");
    assert_eq!(terminal.run(&["status", "--json"])?.json()?["live_total"], 3);

    let mut cancel = terminal.sit_at(&["cancel"])?;
    cancel.until("Write the third page")?;
    cancel.type_in("7\n")?;
    cancel.until("is not the number of one of them")?;
    cancel.type_in("2\n")?;
    let ran = cancel.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Job #2 cancelled; 0 processes left."), "{ran:?}");
    let desk = terminal.run(&["status", "--json"])?.json()?;
    assert_eq!((desk["live_total"].as_i64(), desk["live"][1]["job_id"].as_i64()), (Some(2), Some(3)), "{desk}");
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn a_prune_shows_what_would_go_and_asks() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    for (answer, said, left) in [("\n", "Nothing was forgotten", 1), ("y\n", "Forgotten: 1 job", 0)] {
        let mut prune = terminal.sit_at(&["prune", "--older-than", "0s"])?;
        prune.until("would be forgotten: 1 job")?;
        prune.type_in(answer)?;
        let ran = prune.ended().await?;
        assert!(ran.code == 0 && ran.out.contains(said), "{ran:?}");
        let jobs = terminal.run(&["jobs", "--json"])?.json()?;
        assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(left), "{jobs}");
    }
    Ok(())
}

/// The processes of the place that catch Ctrl-C, a daemon left aside.
fn listening(terminal: &Terminal, daemon: i32) -> Vec<i32> {
    let catches = |pid: &i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    terminal.place.processes().into_iter().filter(|pid| *pid != daemon).filter(catches).collect()
}

#[tokio::test]
async fn ctrl_c_before_the_job_has_a_number_cancels_it_once_it_has() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.2).await?;
    let pid = terminal.daemon_pid().await?;
    let daemon = Pid::from_raw(pid).unwrap();
    kill_process(daemon, Signal::STOP)?;
    let mut brief = terminal.watch(&["brief", "Write a long page"])?;
    let listens =
        wait_for("the brief to listen", SOON, async || Ok((!listening(&terminal, pid).is_empty()).then_some(())));
    let told = async {
        listens.await?;
        brief.signal(Signal::INT)?;
        brief.until_complaint("has no number yet")
    };
    let told = told.await;
    kill_process(daemon, Signal::CONT)?;
    told?;
    let ran = brief.ended().await?;
    assert!(ran.code == 130 && ran.err.contains("0 left"), "{ran:?}");
    terminal.daemon().await?.job(1, &["cancelled"], SOON).await?;
    Ok(())
}

/// An agent who asks which name it is, and says what it was told.
fn asks() -> Script {
    let question = json!({ "question": "Which of the two names is ours?", "options": ["Acme", "Acme Labs"] });
    let heard = |request: &testkit::Request| Turn::text(format!("So it is: {}", request.last_user()));
    Script::of([Turn::tool("ask_founder", question), Turn::made(heard)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_where_the_brief_is_watched() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    let mut brief = terminal.sit_at(&["brief", "Print the letterhead"])?;
    brief.until("2  Acme Labs")?;
    brief.type_in("Beta\n")?;
    brief.until("is none of its answers")?;
    brief.type_in("2\n")?;
    let ran = brief.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("answer in a terminal: Acme Labs"), "{ran:?}");
    assert!(ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_answered_elsewhere_is_not_waited_for_here() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    let mut brief = terminal.sit_at(&["brief", "Print the letterhead"])?;
    brief.until("2  Acme Labs")?;
    terminal.run(&["answer", "Acme"])?.good()?;
    let ran = brief.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_left_for_later_and_given_when_asked_again() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    let mut brief = terminal.sit_at(&["brief", "Print the letterhead"])?;
    brief.until("2  Acme Labs")?;
    brief.type_in("q\n")?;
    brief.until("Left for later: `aicib answer")?;
    let mut answer = terminal.sit_at(&["answer"])?;
    answer.until("2  Acme Labs")?;
    answer.type_in("acme\n")?;
    let answered = answer.ended().await?;
    assert!(answered.code == 0 && answered.out.contains("is answered: “Acme”"), "{answered:?}");
    let ran = brief.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_a_question_stops_the_job() -> anyhow::Result<()> {
    let provider = Provider::start(asks()).await;
    let terminal = Terminal::with_provider(&provider)?;
    let mut brief = terminal.sit_at(&["brief", "Print the letterhead"])?;
    brief.until("2  Acme Labs")?;
    brief.type_in(CTRL_C)?;
    brief.until("0 left")?;
    assert_eq!(brief.ended().await?.code, 130);
    assert_eq!(terminal.run(&["questions", "--json"])?.json()?["questions"], json!([]), "nobody waits any more");
    Ok(())
}
