//! How often a window wakes that is hidden, with no shortcut taken.

use std::time::Duration;

use blackbox::figures::line;
use blackbox::{Child, Daemon, Tree, WORK};
use serde_json::json;

use crate::start::{close, empty_opens, ours_opens};
use crate::{Bench, number};

const OVER_EMPTY: f64 = 1.0;
const SETTLED: Duration = Duration::from_secs(10);

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let seconds = number("IDLE_SECONDS", 30)?;
    let (ours, _) = ours_opens(&bench.stage).await?;
    Daemon::connect(&bench.stage.place.home(), WORK).await?.set(json!({ "quick_shortcut": "" })).await?;
    let (empty, _) = empty_opens(&bench.stage)?;
    close(&bench.stage, "AICIB").await?;
    close(&bench.stage, "Empty").await?;
    tokio::time::sleep(SETTLED).await;
    // Both at the same time: whatever the machine does meanwhile is done to both.
    let (ours, empty) = (Watch::of(&ours), Watch::of(&empty));
    let (ours, empty) = tokio::join!(ours.count(seconds), empty.count(seconds));
    let figure = format!("{ours:.2} a second, empty {empty:.2}");
    let what = format!("wake-ups, window hidden, no shortcut, {seconds} s");
    Ok(line(&what, &figure, "empty + 1 a second", ours <= empty + OVER_EMPTY))
}

struct Watch(Tree);

impl Watch {
    fn of(app: &Child) -> Watch {
        Watch(Tree::of(app.pid()))
    }

    /// Looked at every second: a thread that ends takes its count with it.
    async fn count(&self, seconds: u64) -> f64 {
        let mut seen = self.0.switches();
        let mut sum = 0;
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.0.switches();
            let since =
                |(thread, count): (&(u32, u32), &u64)| count - seen.get(thread).copied().unwrap_or(0).min(*count);
            sum += now.iter().map(since).sum::<u64>();
            seen = now;
        }
        sum as f64 / seconds.max(1) as f64
    }
}
