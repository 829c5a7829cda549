//! The command line.

use contract::{JobId, LINK, Show};

/// What `--help` prints.
pub const HELP: &str = "\
The AICIB desktop app.

Usage: aicib-desktop [--hidden | --quick | --job N | --settings | aicib://…]

  --hidden     start in the tray, without a window
  --quick      open Quick brief (bind this to a key where global shortcuts do not work)
  --job N      open job N
  --settings   open the settings
  aicib://…    open a link: aicib://job/212, aicib://jobs, aicib://quick, aicib://settings, aicib://notices
  --version    print the version
  --help       print this

Example: aicib-desktop --job 212

AICIB_HOME names the home to use; AICIB_BIN the `aicib` to start the daemon with.
";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Start, and bring this up; nothing for the tray alone.
    Start(Option<Show>),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// Reads the arguments, the program's name left out.
///
/// # Errors
/// A sentence that says what is wrong and what to do.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut asked: Option<Option<Show>> = None;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let show = match arg.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--version" | "-V" => return Ok(Request::Version),
            "--hidden" => None,
            "--quick" => Some(Show::Quick),
            "--settings" => Some(Show::Settings),
            "--job" => {
                let number = args.next().unwrap_or_default();
                let id = number.parse().ok().filter(|id: &i64| *id > 0);
                let id = id.ok_or_else(|| format!("--job takes a job's number, not {number:?}. Example: --job 212"))?;
                Some(Show::Job { job_id: JobId(id) })
            }
            link if link.starts_with(LINK) => Some(Show::of_link(link).ok_or_else(|| {
                format!("{:?} is no link of AICIB's. Example: aicib://job/212", contract::one_line(link, 80))
            })?),
            other => return Err(format!("{other:?} is not an option of aicib-desktop. See aicib-desktop --help.")),
        };
        if asked.replace(show).is_some() {
            return Err("Give one of --hidden, --quick, --job, --settings and a link, not several.".into());
        }
    }
    Ok(Request::Start(asked.unwrap_or(Some(Show::Window))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn each_option_brings_up_its_view() {
        assert_eq!(read(""), Ok(Request::Start(Some(Show::Window))));
        assert_eq!(read("--hidden"), Ok(Request::Start(None)));
        assert_eq!(read("--quick"), Ok(Request::Start(Some(Show::Quick))));
        assert_eq!(read("--job 212"), Ok(Request::Start(Some(Show::Job { job_id: JobId(212) }))));
        assert_eq!(read("--settings"), Ok(Request::Start(Some(Show::Settings))));
    }

    #[test]
    fn a_link_is_taken_as_an_option() {
        assert_eq!(read("aicib://job/212"), Ok(Request::Start(Some(Show::Job { job_id: JobId(212) }))));
        assert!(read("aicib://nowhere").unwrap_err().contains("aicib://job/212"));
    }

    #[test]
    fn wrong_use_says_what_to_do() {
        for line in ["--job", "--job x", "--job -3", "--job 0", "--window", "--hidden --quick"] {
            let error = read(line).expect_err(line);
            assert!(error.contains("--"), "{error}");
        }
    }
}
