//! Questions to whoever sits at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::context::Context;
use crate::failure::Failure;

/// How often somebody may answer with what is no answer.
const TRIES: usize = 3;

/// Whether there is somebody to ask.
pub(crate) fn may_ask(context: &Context) -> bool {
    !context.out.json && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks `question` until `answer` makes something of what is typed. `None` where they want to leave it: "q", the
/// input's end, or nothing that makes sense.
pub(crate) fn ask<T>(question: &str, mut answer: impl FnMut(&str) -> Result<T, String>) -> Result<Option<T>, Failure> {
    let mut stderr = io::stderr().lock();
    for _ in 0..TRIES {
        write!(stderr, "{question} ")?;
        stderr.flush()?;
        let mut typed = String::new();
        if io::stdin().lock().read_line(&mut typed)? == 0 {
            writeln!(stderr)?;
            return Ok(None);
        }
        let typed = typed.trim();
        if matches!(typed, "q" | "Q" | "quit") {
            return Ok(None);
        }
        match answer(typed) {
            Ok(answer) => return Ok(Some(answer)),
            Err(why) => writeln!(stderr, "{why}")?,
        }
    }
    Ok(None)
}

/// Asks whether to go on. No unless they say yes.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let sure = ask(&format!("{question} [y/N]"), |typed| match typed.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "" | "n" | "no" => Ok(false),
        _ => Err("Answer y or n.".to_owned()),
    })?;
    Ok(sure.unwrap_or(false))
}
