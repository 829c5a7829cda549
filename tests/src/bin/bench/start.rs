//! How soon a daemon answers with a long past on file.

use std::process::Stdio;
use std::time::{Duration, Instant};

use blackbox::{Child, Daemon, Place, SOON};
use serde_json::json;

use crate::{fill, number};
use blackbox::figures::{line, quantile};

const JOBS: usize = 10_000;
const BAR_MS: f64 = 100.0;
const ROUNDS: usize = 5;

pub async fn measure() -> anyhow::Result<bool> {
    let events = usize::try_from(number("EVENTS", 1_000_000)?)?;
    let place = Place::new()?;
    let filling = Instant::now();
    fill::fill(&place.home(), JOBS, events).await?;
    println!("filled with {JOBS} jobs and {events} events in {:.0} s", filling.elapsed().as_secs_f64());
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let mut command = place.aicib(&["daemon", "start", "--foreground"])?;
        let began = Instant::now();
        let mut child = Child::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let mut daemon = loop {
            match Daemon::connect_once(&place.home()).await {
                Ok(daemon) => break daemon,
                Err(error) if began.elapsed() > SOON => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        daemon.call("ping", json!({})).await?;
        took.push(began.elapsed());
        daemon.call("daemon.stop", json!({})).await?;
        child.ended(SOON).await?;
    }
    let (median, worst) = (quantile(&mut took, 0.5), quantile(&mut took, 1.0));
    let figure = format!("{median:.0} ms, worst {worst:.0} ms");
    Ok(line("daemon start to its first ping, 10,000 jobs", &figure, &format!("{BAR_MS} ms"), median <= BAR_MS))
}
