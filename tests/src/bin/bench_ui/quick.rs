//! From `aicib quick` until one can type.

use std::process::Stdio;
use std::time::Duration;

use blackbox::figures::{line, quantile};
use blackbox::{Child, SOON, Screen, WORK, wait_for};

use crate::Bench;
use crate::start::{drawn, now, ours_opens};

const WARM_MS: f64 = 150.0;
const COLD_MS: f64 = 600.0;
const WARM: usize = 12;
const COLD: usize = 4;

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let (mut warm, mut first, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..COLD {
        bench.stop_daemon()?;
        cold.push(call(bench).await?);
        bench.stage.end_apps().await?;
    }
    for round in 0..COLD {
        let (app, _) = ours_opens(&bench.stage).await?;
        first.push(call(bench).await?);
        for _ in 0..if round == 0 { WARM } else { 0 } {
            put_away(bench).await?;
            warm.push(call(bench).await?);
        }
        drop(app);
    }
    let mut met = report("Quick brief, warm: call -> field with the focus", &mut warm, WARM_MS);
    met &= report("  its first time in an app that runs", &mut first, COLD_MS);
    met &= report("  cold: neither app nor daemon runs", &mut cold, COLD_MS);
    Ok(met)
}

fn report(what: &str, took: &mut [Duration], bar: f64) -> bool {
    let (median, worst) = (quantile(took, 0.5), quantile(took, 1.0));
    line(what, &format!("{median:.0} ms, worst {worst:.0} ms"), &format!("{bar} ms"), median <= bar)
}

async fn call(bench: &Bench) -> anyhow::Result<Duration> {
    let before = drawn(&bench.stage, "quick").len();
    let mut command = bench.stage.place.aicib(&["quick"])?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = now();
    let mut caller = Child::start(&mut command)?;
    let at = wait_for("Quick brief", WORK, async || Ok(drawn(&bench.stage, "quick").get(before).copied())).await?;
    // An app that it started is in its group, and would end with it.
    caller.ended(SOON).await?;
    std::mem::forget(caller);
    Ok(at.saturating_sub(began))
}

async fn put_away(bench: &Bench) -> anyhow::Result<()> {
    // Whoever goes elsewhere has it put away.
    let main = Screen::window(&bench.stage.place, "AICIB").await?;
    bench.stage.place.command("xdotool").args(["windowactivate", "--sync", &main]).status()?;
    wait_for("Quick brief to hide", SOON, async || {
        Ok(Screen::windows(&bench.stage.place, "Quick brief")?.is_empty().then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    Ok(())
}
