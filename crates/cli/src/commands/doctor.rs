//! `aicib doctor`: looks at all that could be wrong; where no daemon can start, at what can be seen without one.

use std::fs;
use std::path::Path;

use contract::{Check, CheckStatus, DoctorReport, Empty, Error, methods};
use rpc::Home;

use crate::args::Global;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::line;

/// Prints what was found, and fails where something does not work.
pub(crate) async fn doctor(global: Global) -> Outcome {
    let (json, color) = (global.json, global.color);
    let (report, mut out) = match Context::new(global) {
        Ok(context) => (look(&context).await, context.out),
        Err(error) => {
            let report = DoctorReport { checks: vec![fault("Home", &error)] };
            (report, Out::new(json, color))
        }
    };
    if out.json {
        out.value(&report)?;
    } else {
        for check in &report.checks {
            let mark = match check.status {
                CheckStatus::Ok => out.paint.ink(Ink::Green, "✓"),
                CheckStatus::Warning => out.paint.ink(Ink::Yellow, "!"),
                CheckStatus::Fault => out.paint.ink(Ink::Red, "✗"),
            };
            out.line(&format!("{mark} {}: {}", line(&check.name, 60), line(&check.detail, 1000)))?;
            if !check.fix.is_empty() {
                out.line(&format!("    {}", line(&check.fix, 1000)))?;
            }
        }
    }
    out.flush()?;
    let broken = report.checks.iter().any(|check| check.status == CheckStatus::Fault);
    if broken { Err(Failure::Exit(1)) } else { Ok(()) }
}

async fn look(context: &Context) -> DoctorReport {
    let asked = match context.daemon().await {
        Ok(client) => client.call::<methods::DoctorRun>(Empty {}).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(report) => report,
        Err(error) => {
            let mut checks = vec![fault("Daemon", &error)];
            checks.extend(without_a_daemon(&context.home));
            DoctorReport { checks }
        }
    }
}

/// What can be seen from here.
fn without_a_daemon(home: &Home) -> Vec<Check> {
    let mut checks = vec![writable(home.root())];
    let socket = home.socket();
    checks.push(if socket.exists() {
        warning("Socket", format!("{} is there, and nobody answers on it.", socket.display()), "")
    } else {
        warning("Socket", format!("{} is not there.", socket.display()), "")
    });
    checks.push(database(home));
    let log = home.daemon_log();
    checks.push(match rpc::last_log_line(&log) {
        Some(last) => {
            warning("Daemon's log", format!("Its last line: {last}"), &format!("Read the rest in {}.", log.display()))
        }
        None => warning("Daemon's log", format!("{} is empty or not there.", log.display()), ""),
    });
    checks
}

/// Where the database lies, and what there is to go back to.
fn database(home: &Home) -> Check {
    let file = home.database();
    let size =
        fs::metadata(&file).map_or_else(|_| "not there".to_owned(), |found| format!("{} KB", found.len() / 1024));
    let dir = home.backups_dir();
    let copies = fs::read_dir(&dir).into_iter().flatten().flatten();
    let newest = copies.filter_map(|copy| Some((copy.metadata().ok()?.modified().ok()?, copy.path()))).max();
    let fix = newest.map_or_else(String::new, |(_, copy)| {
        format!("If it is damaged: put it aside, and copy {} in its place.", copy.display())
    });
    warning("Database", format!("{} is {size}; copies of it are in {}.", file.display(), dir.display()), &fix)
}

fn writable(dir: &Path) -> Check {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let outcome = fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe));
    match outcome {
        Ok(()) => Check {
            name: "Home".into(),
            status: CheckStatus::Ok,
            detail: format!("{} can be written to.", dir.display()),
            fix: String::new(),
        },
        Err(error) => Check {
            name: "Home".into(),
            status: CheckStatus::Fault,
            detail: format!("{} cannot be written to: {error}.", dir.display()),
            fix: "Free some space, mend its permissions, or set AICIB_HOME to another folder.".into(),
        },
    }
}

fn fault(name: &str, error: &Error) -> Check {
    Check { name: name.into(), status: CheckStatus::Fault, detail: error.message.clone(), fix: error.fix.clone() }
}

fn warning(name: &str, detail: String, fix: &str) -> Check {
    Check { name: name.into(), status: CheckStatus::Warning, detail, fix: fix.into() }
}
