//! Programs that misbehave, and ways to end one.

use contract::{EventBody, NoticeLevel, Outcome};
use testkit::{Script, Turn};

use crate::trial::Trial;

pub async fn killed(trial: Trial) {
    trial.breaks_off();
    trial.provider.play(Script::of([Turn::command("touch started; sleep 3604").usage(500, 30, 0, 0)]));
    let brief = trial.brief("Begin, and be killed");
    let mark = process::Mark::from(brief.mark.clone());
    let meanwhile = async {
        trial.until("the command", || trial.file("started").exists()).await;
        for process in process::census(None, &mark) {
            let arguments = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
            let first = String::from_utf8_lossy(&arguments).split('\0').next().unwrap_or_default().to_owned();
            // What it started lives on, in a session of its own.
            if !["bash", "sleep", "setsid", "sh"].iter().any(|name| first.ends_with(name)) {
                let _ = std::process::Command::new("kill").args(["-KILL", &process.pid.to_string()]).status();
            }
        }
    };
    let ending = trial.run_while(&brief, meanwhile).await;
    trial.ended(&ending, Outcome::Failed, "engine.failed");
}

pub async fn silence(trial: Trial) {
    trial.breaks_off();
    let silent = if trial.engine.is_scripted() {
        Turn::text("[[silence]]").usage(500, 5, 0, 0)
    } else {
        Turn::text("Never to be heard").before(std::time::Duration::from_secs(3600))
    };
    trial.provider.play(Script::of(vec![silent; 8]));
    let brief = trial.brief("Fall silent");
    let meanwhile = async {
        trial.until("the request", || !trial.provider.requests().is_empty()).await;
        // The worker's clocks end a run that says nothing; here that is this.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        trial.host.stop.cancel();
        brief.grace.begin();
    };
    let ending = trial.run_while(&brief, meanwhile).await;
    trial.ended(&ending, Outcome::Cancelled, "");
}

pub async fn garbage(trial: Trial) {
    goes_on(&trial, "I say this, and then nonsense. [[garbage]]").await;
    let told = |body: &EventBody| matches!(body, EventBody::Notice { level: NoticeLevel::Warning, text } if text.contains("no sense"));
    assert!(trial.host.has(told), "that there was garbage is told; events:\n  {}", trial.story());
}

pub async fn long_line(trial: Trial) {
    goes_on(&trial, "One line of twenty million bytes. [[line 20000000]]").await;
    let longest = trial.host.raw.lock().unwrap().iter().map(String::len).max().unwrap_or_default();
    assert!(longest <= 8 * 1024 * 1024 + 64, "a line of {longest} bytes was kept");
}

pub async fn flood(trial: Trial) {
    goes_on(&trial, "Now stderr. [[stderr 2048]]").await;
    let kept: u64 = crate::census::files(&trial.folder.home().join("run"))
        .iter()
        .filter_map(|file| Some(std::fs::metadata(file).ok()?.len()))
        .sum();
    assert!(kept < 8 * 1024 * 1024, "{kept} bytes are kept");
}

/// The model's words bring the program to misbehave; then it works on.
async fn goes_on(trial: &Trial, words: &str) {
    let turn = {
        let words = words.to_owned();
        Turn::made(move |request| {
            Turn::text(words.clone()).usage(500, 30, 0, 0).and_command(request, "touch acted.txt")
        })
    };
    trial.provider.play(Script::of([turn, Turn::text("Done after all.").usage(600, 10, 0, 0)]));
    let ending = trial.run(&trial.brief("Misbehave")).await;
    trial.completed(&ending, "Done after all.");
    assert!(trial.file("acted.txt").exists(), "{}", trial.story());
}

pub async fn stray(trial: Trial) {
    let command = "(setsid sleep 3605 >/dev/null 2>&1 </dev/null &) ; (env -i setsid nohup sleep 3606 >/dev/null 2>&1 </dev/null &); touch acted.txt";
    let turn = Turn::command(command);
    trial.provider.play(Script::of([turn, Turn::text("It is hidden.").usage(600, 10, 0, 0)]));
    let ending = trial.run(&trial.brief("Hide a process")).await;
    trial.completed(&ending, "It is hidden.");
    assert!(trial.file("acted.txt").exists(), "{}", trial.story());
}

pub async fn deaf(trial: Trial) {
    trial.provider.play(Script::of([Turn::text("I will not end. [[deaf]] [[stray]]").usage(600, 10, 0, 0)]));
    let ending = trial.run(&trial.brief("Do not end")).await;
    trial.completed(&ending, "I will not end.");
}
