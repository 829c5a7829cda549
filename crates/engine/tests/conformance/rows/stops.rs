//! Being told to stop.

use std::time::{Duration, Instant};

use contract::{Outcome, Verdict};
use testkit::{Script, Turn};

use crate::folder::rules;
use crate::trial::Trial;

/// How long the end may take: the grace, and what a look at all processes takes on a busy machine.
const SOON: Duration = Duration::from_secs(8);

pub async fn in_a_tool(trial: Trial) {
    let command = "trap '' TERM; setsid sleep 3601 & touch started; sleep 3602; sleep 3603";
    trial.provider.play(Script::of([Turn::command(command).usage(500, 30, 0, 0)]));
    let begun = || trial.file("started").exists();
    stop_when(&trial, begun, Verdict::Allow).await;
}

pub async fn in_an_answer(trial: Trial) {
    trial.provider.play(Script::of([Turn::text("It goes on and on and on and on and on").stall_after(6)]));
    if trial.engine.is_practice() {
        let begun = || !trial.host.bodies().is_empty();
        return stop_when(&trial, begun, Verdict::Allow).await;
    }
    trial.breaks_off();
    let begun = || trial.provider.spent_nanos() > 0 || !trial.host.deltas.lock().unwrap().is_empty();
    stop_when(&trial, begun, Verdict::Allow).await;
}

pub async fn at_a_question(trial: Trial) {
    trial.provider.play(Script::of([Turn::command("touch acted.txt").usage(500, 30, 0, 0)]));
    let begun = || !trial.host.questions.lock().unwrap().is_empty();
    *trial.host.silent.lock().unwrap() = true;
    stop_when(&trial, begun, Verdict::Ask).await;
    assert!(!trial.file("acted.txt").exists(), "nobody allowed it");
}

async fn stop_when(trial: &Trial, begun: impl Fn() -> bool, commands: Verdict) {
    let mut brief = trial.brief("Begin, and do not end");
    brief.rules = rules(commands);
    brief.spec.pace = 1.0;
    let meanwhile = async {
        trial.until("the beginning", begun).await;
        // What was sent has to arrive.
        tokio::time::sleep(Duration::from_millis(300)).await;
        trial.host.stop.cancel();
        brief.grace.begin();
        Instant::now()
    };
    let told = std::cell::Cell::new(Instant::now());
    let ending = trial.run_while(&brief, async { told.set(meanwhile.await) }).await;
    assert!(told.get().elapsed() < SOON, "it took {:?}", told.get().elapsed());
    trial.ended(&ending, Outcome::Cancelled, "");
}
