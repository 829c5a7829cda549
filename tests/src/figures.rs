//! Figures and how they are printed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// How long a command takes.
///
/// # Errors
/// It cannot be started, or fails.
pub fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}

/// A line of the table: what was measured, the figure, the bar, and whether it is met.
pub fn line(what: &str, figure: &str, bar: &str, met: bool) -> bool {
    println!("{what:<52} {figure:<34} bar {bar:<22} {}", if met { "met" } else { "NOT MET" });
    met
}

/// Memory of a process that nobody else shares, and its part of what is shared, in megabytes.
///
/// # Errors
/// The process is gone.
pub fn pss_mb(pid: impl std::fmt::Display) -> anyhow::Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).context("no Pss")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}

/// The sample below which this part of all samples lies, in milliseconds.
pub fn quantile(samples: &mut [Duration], part: f64) -> f64 {
    samples.sort_unstable();
    let at = ((samples.len() as f64 * part).ceil() as usize).clamp(1, samples.len().max(1)) - 1;
    samples.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
}

/// Median and quartiles, in milliseconds.
pub struct Spread {
    low: f64,
    /// The median.
    pub median: f64,
    high: f64,
}

impl Spread {
    /// Of these samples.
    pub fn of(mut samples: Vec<Duration>) -> Spread {
        let [low, median, high] = [0.25, 0.5, 0.75].map(|part| quantile(&mut samples, part));
        Spread { low, median, high }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ms ({:.2} to {:.2})", self.median, self.low, self.high)
    }
}
