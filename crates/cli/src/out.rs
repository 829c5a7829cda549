//! Printing: to a terminal, to a pipe, for people or for programs.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use contract::Error;
use serde::Serialize;

use crate::args::ColorChoice;

/// A colour or weight. Eight-colour codes only: the terminal's own theme decides how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// As the flag, the environment and `to` want it.
    pub(crate) fn choose(choice: ColorChoice, to: &impl IsTerminal) -> Paint {
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb") && to.is_terminal()
            }
        };
        Paint { on }
    }

    /// No colour.
    #[cfg(test)]
    pub(crate) fn plain() -> Paint {
        Paint { on: false }
    }

    /// `text` in `ink`.
    pub(crate) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Red => 31,
            Ink::Green => 32,
            Ink::Yellow => 33,
            Ink::Cyan => 36,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Standard output.
pub(crate) struct Out {
    to: BufWriter<StdoutLock<'static>>,
    /// Whether to print JSON.
    pub(crate) json: bool,
    /// Whether to colour.
    pub(crate) paint: Paint,
    /// How many columns a line may take.
    pub(crate) columns: usize,
}

/// The columns of a line where nobody says how many there are.
pub(crate) const COLUMNS: usize = 80;

/// The columns of the terminal that is printed to; where it is none, those that `COLUMNS` says.
fn terminal_columns(stdout: &io::Stdout) -> usize {
    let said = || std::env::var("COLUMNS").ok().and_then(|said| said.parse().ok());
    let terminal = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let columns = terminal.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0).or_else(said);
    columns.unwrap_or(COLUMNS).clamp(40, 500)
}

impl Out {
    pub(crate) fn new(json: bool, color: ColorChoice) -> Out {
        let stdout = io::stdout();
        let (paint, columns) = (Paint::choose(color, &stdout), terminal_columns(&stdout));
        Out { json, paint, columns, to: BufWriter::new(stdout.lock()) }
    }

    /// Prints a line for people.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())?;
        self.to.write_all(b"\n")
    }

    /// Prints a value for programs, on a line of its own.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, value)?;
        self.to.write_all(b"\n")
    }

    /// What was printed so far is seen now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Prints an error: a line for people, an object for programs.
pub(crate) fn print_error(error: &Error, json: bool, color: ColorChoice) {
    let stderr = io::stderr();
    let line = if json {
        serde_json::json!({ "error": error }).to_string()
    } else {
        let paint = Paint::choose(color, &stderr);
        format!("{} {}", paint.ink(Ink::Red, "error:"), crate::text::line(&error.to_string(), 2000))
    };
    // There is nowhere left to say that this cannot be printed.
    let _lost = writeln!(stderr.lock(), "{line}");
}

/// Prints something by the way, where people look and programs do not.
pub(crate) fn aside(text: &str) {
    // A remark that nobody can see is no loss.
    let _lost = writeln!(io::stderr().lock(), "{text}");
}
