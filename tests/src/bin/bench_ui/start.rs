//! From exec until the Desk can be used, and what the window weighs then.

use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use blackbox::figures::{Spread, line};
use blackbox::{Child, Desktop, SOON, Tree, WORK, binary, wait_for};

use crate::{Bench, EMPTY, number};

const OF_EMPTY: f64 = 1.3;
const OVER_EMPTY_MB: f64 = 100.0;
/// What a start still has to do, such as reading the screens that are not shown yet, is over by then.
const SETTLED: Duration = Duration::from_secs(8);

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let rounds = usize::try_from(number("STARTS", 7)?)?;
    let (mut ours, mut empty) = (Vec::new(), Vec::new());
    // The first of each reads its files from the disk.
    for round in 0..=rounds {
        // Nothing runs: the app starts the daemon, too.
        bench.stop_daemon()?;
        let took = [ours_opens(&bench.stage).await?.1, empty_opens(&bench.stage)?.1];
        if round > 0 {
            ours.push(took[0]);
            empty.push(took[1]);
        }
    }
    let (ours, empty) = (Spread::of(ours), Spread::of(empty));
    println!("empty window, exec -> its second frame               {empty}");
    let ratio = ours.median / empty.median;
    let figure = format!("{ours}, {ratio:.2} x empty");
    let mut met = line(
        "exec -> Desk usable, long past, no daemon yet",
        &figure,
        &format!("{OF_EMPTY} x empty"),
        ratio <= OF_EMPTY,
    );
    met &= weigh(bench).await?;
    Ok(met)
}

async fn weigh(bench: &Bench) -> anyhow::Result<bool> {
    let (mut ours, mut empty) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let app = ours_opens(&bench.stage).await?.0;
        tokio::time::sleep(SETTLED).await;
        ours.push(Tree::of(app.pid()).weight()?);
        drop(app);
        let app = empty_opens(&bench.stage)?.0;
        tokio::time::sleep(SETTLED).await;
        empty.push(Tree::of(app.pid()).weight()?);
    }
    let middle = |weights: &mut Vec<(f64, String)>| {
        weights.sort_by(|a, b| a.0.total_cmp(&b.0));
        weights.get(weights.len() / 2).cloned().unwrap_or_default()
    };
    let ((ours, parts), (empty, empty_parts)) = (middle(&mut ours), middle(&mut empty));
    println!("PSS, empty window: {empty:.0} MB ({empty_parts}); ours: {parts}");
    let figure = format!("{ours:.0} MB, {:+.0} MB", ours - empty);
    Ok(line("PSS of the desktop's tree, idle on Desk", &figure, "empty + 100 MB", ours <= empty + OVER_EMPTY_MB))
}

/// Starts ours as a founder does; how long until it says that the Desk is drawn, by its page's clock.
pub async fn ours_opens(stage: &Desktop) -> anyhow::Result<(Child, Duration)> {
    let before = drawn(stage, "main").len();
    let began = now();
    let app = stage.another(&[])?;
    let at = wait_for("the Desk", WORK, async || Ok(drawn(stage, "main").get(before).copied())).await?;
    Ok((app, at.saturating_sub(began)))
}

/// Starts the empty window; how long until its second frame, by its page's clock.
pub fn empty_opens(stage: &Desktop) -> anyhow::Result<(Child, Duration)> {
    let mut command = stage.place.command(binary(EMPTY)?);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let began = now();
    let (app, told) = Child::start_and_read(&mut command)?;
    let at: u64 = told.parse().with_context(|| format!("the empty window says {told:?}"))?;
    Ok((app, Duration::from_millis(at).saturating_sub(began)))
}

/// When a window's page was drawn for use, each time, by the log.
pub fn drawn(stage: &Desktop, window: &str) -> Vec<Duration> {
    let log = std::fs::read_to_string(stage.place.home().join("desktop.log")).unwrap_or_default();
    let mark = format!("drawn window=\"{window}\" at=");
    let times = log.lines().filter_map(|line| line.split_once(&mark)?.1.trim().parse::<f64>().ok());
    times.map(|at| Duration::from_secs_f64(at / 1e3)).collect()
}

/// The clock that processes of a machine share, since 1970.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Closes a window as the founder does, and waits until it is off the screen.
pub async fn close(stage: &Desktop, title: &str) -> anyhow::Result<()> {
    let id: u32 = blackbox::Screen::window(&stage.place, title).await?.parse()?;
    stage.close_window(id)?;
    wait_for("the window to hide", SOON, async || {
        Ok(blackbox::Screen::windows(&stage.place, title)?.is_empty().then_some(()))
    })
    .await
}
