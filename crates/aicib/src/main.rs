//! The headless binary. It is the CLI, the daemon (`aicib daemon start --foreground`), the worker (`aicib worker`) and
//! the wrapper that confines a program (`aicib sandbox-exec`), chosen by its arguments before anything else is done: that a command starts fast is felt with every one.

use std::ffi::OsStr;
use std::process::ExitCode;

/// What we are to be.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Runs one job. Started by the daemon, which tells it the rest on stdin.
    Worker,
    /// Tries an engine. Started by the daemon as well.
    Trial,
    /// The daemon itself. Every other form of `aicib daemon` is a command of the CLI.
    Daemon,
    /// Confines itself and becomes another program. It says what is wrong with its arguments.
    SandboxExec,
    /// A command of the user, also one that is wrong: the CLI says what is.
    Cli,
}

fn main() -> ExitCode {
    match part(std::env::args_os().skip(1)) {
        Part::Worker => worker::main(),
        Part::Trial => worker::trial::main(),
        Part::Daemon => daemon::main(),
        Part::SandboxExec => process::sandbox::main(std::env::args_os().skip(2)),
        Part::Cli => cli::main(),
    }
}

/// Looks at the arguments after the program's name. A fourth one makes the worker's and the daemon's the CLI's.
fn part<A: AsRef<OsStr>>(mut args: impl Iterator<Item = A>) -> Part {
    let args: [Option<A>; 4] = std::array::from_fn(|_| args.next());
    match args.each_ref().map(|arg| arg.as_ref().and_then(|arg| arg.as_ref().to_str())) {
        [Some("worker"), None, None, None] => Part::Worker,
        [Some("worker"), Some("--trial"), None, None] => Part::Trial,
        [Some(process::sandbox::SANDBOX_EXEC), ..] => Part::SandboxExec,
        [Some("daemon"), Some("start"), Some("--foreground"), None] => Part::Daemon,
        _ => Part::Cli,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_arguments_make_another_part_than_the_cli() {
        let part_of = |line: &str| part(line.split_whitespace());
        assert_eq!(part_of("worker"), Part::Worker);
        assert_eq!(part_of("worker --trial"), Part::Trial);
        assert_eq!(part_of("daemon start --foreground"), Part::Daemon);
        for line in ["sandbox-exec", "sandbox-exec --policy {} -- ls -l"] {
            assert_eq!(part_of(line), Part::SandboxExec, "{line}");
        }
        for line in [
            "",
            "status",
            "daemon",
            "daemon start",
            "daemon start --foreground --help",
            "worker --help",
            "--version",
            "status sandbox-exec",
        ] {
            assert_eq!(part_of(line), Part::Cli, "{line}");
        }
    }
}
