//! What is typed: what is taken, what is refused, what the help says.

use clap::{CommandFactory, Parser};
use contract::JobId;

use crate::args::{Cli, Command};
use crate::context::{job_number, line_count};
use crate::failure::Failure;
use crate::text::columns;
use crate::{usage, when};

fn refusal(typed: &str) -> String {
    let args: Vec<std::ffi::OsString> = typed.split_whitespace().map(Into::into).collect();
    let error = Cli::try_parse_from(&args).map(|_| ()).unwrap_err();
    usage::one_line(&error, &args)
}

#[test]
fn wrong_use_is_one_line_that_says_what_to_do() {
    let shown: Vec<String> = [
        "aicib",
        "aicib nonsense",
        "aicib brief",
        "aicib logs --lins 3",
        "aicib daemon",
        "aicib key set --session --passphrase",
        "aicib --color pink status",
        "aicib status acme extra",
        "aicib search",
        "aicib logs 7 8",
        "aicib stat",
        "aicib jobs --stat running",
        "aicib pasue",
        "aicib open 7",
        "aicib jobs #7",
        "aicib daemon helth",
        "aicib cancel 7 --all",
        "aicib wait",
        "aicib brief Write a page",
        "aicib restart",
        "aicib settings put theme dark",
        "aicib brief --list tasks.md Write",
        "aicib brief --list tasks.md --to cto",
        "aicib say",
        "aicib say 7 Use the second",
        "aicib answer 4 go on then",
        "aicib cost --by colour",
        "aicib cost --history --since 30d",
        "aicib logs 7 --prompt -f",
        "aicib agent set",
        "aicib agent hire cto",
        "aicib add-agent --role cto",
        "aicib export",
        "aicib export 7 --format pdf",
        "aicib delete",
        "aicib jobs --sort size",
        "aicib brief --list tasks.md --attach plan.pdf",
    ]
    .into_iter()
    .map(refusal)
    .collect();
    assert!(shown.iter().all(|line| !line.contains('\n')));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn e018_a_number_of_lines_is_a_positive_integer() {
    for typed in ["abc", "-5", "0", "1.5", "", "99999999999999999999"] {
        let Err(Failure::Usage(message)) = line_count(typed) else { panic!("{typed} was taken") };
        assert_eq!(message, "-n must be a positive integer.", "the flag as it was typed, if it was");
    }
    assert_eq!(line_count("20").unwrap(), 20);
    for typed in ["aicib logs --lines -5", "aicib logs -n 0", "aicib cancel -3"] {
        assert!(Cli::try_parse_from(typed.split_whitespace()).is_ok(), "{typed} is for us to refuse, not for clap");
    }
}

#[test]
fn a_key_on_the_command_line_is_seen_before_it_is_repeated() {
    let seen = |typed: &str| {
        let args: Vec<std::ffi::OsString> = typed.split_whitespace().map(Into::into).collect();
        usage::names_key(&args)
    };
    for typed in [
        "aicib key set sk-ant-api03-abcdef",
        "aicib key set anthropic sk-ant-api03-abcdef",
        "aicib key sk-proj-0123456789",
        "aicib --dir acme key set --key=sk-ant-x",
        "aicib key set --from-env sk-ant-api03-abcdef",
        "aicib key set AbCd0123456789efghijklmnopqrstuvwx",
    ] {
        assert!(seen(typed), "{typed}");
    }
    for typed in [
        "aicib key set",
        "aicib key set anthropic --from-env ANTHROPIC_API_KEY_2",
        "aicib key list --dir sk-projects",
        "aicib brief sk-ant-api03-abcdef",
        "aicib search key sk-ant-api03-abcdef",
    ] {
        assert!(!seen(typed), "{typed}");
    }
}

#[test]
fn a_company_is_founded_where_dir_says() {
    for typed in ["aicib init --dir acme", "aicib --dir acme init", "aicib init -d acme"] {
        let cli = Cli::try_parse_from(typed.split_whitespace()).unwrap();
        assert_eq!(cli.global.dir.as_deref(), Some(std::path::Path::new("acme")), "{typed}");
    }
    let help = Cli::try_parse_from(["aicib", "help", "init"]).unwrap_err().to_string();
    assert!(help.contains("The folder to found it in") && !help.contains("or one below it"), "{help}");
    for default in ["full-c-suite", "professional", "blank", "auto"] {
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
}

#[test]
fn a_job_is_named_by_its_number() {
    assert_eq!(job_number("#7", "--job").unwrap(), JobId(7));
    for typed in ["seven", "-1", "0", "1e3"] {
        assert!(matches!(job_number(typed, "--job"), Err(Failure::Usage(_))), "{typed}");
    }
}

#[test]
fn every_command_shows_an_example() {
    fn check(command: &clap::Command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("  aicib"), "{} has no example", command.get_name());
        for example in help.lines().filter(|line| line.starts_with("  aicib")) {
            let simple = !example.contains(['<', '>', '|', '&', '"']);
            if simple {
                let parsed = Cli::try_parse_from(example.split_whitespace());
                assert!(parsed.is_ok(), "the example does not parse: {example}");
            }
        }
        command.get_subcommands().for_each(check);
    }
    let command = Cli::command();
    command.clone().debug_assert();
    check(&command);
}

#[test]
fn every_help_fits_a_screen() {
    fn check(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        let help = command.clone().term_width(80).render_help().to_string();
        let most = match name.as_str() {
            "aicib" => 58,
            // Below it stands every setting.
            _ if help.contains("anthropic_base_url") => 58,
            _ => 42,
        };
        assert!(help.lines().count() <= most, "{} lines for {name}:\n{help}", help.lines().count());
        for line in help.lines() {
            assert!(columns(line) <= 80, "{name}: {line}");
        }
        command.get_subcommands_mut().for_each(check);
    }
    let mut command = Cli::command();
    command.build();
    check(&mut command);
}

#[test]
fn what_is_said_to_a_job_needs_no_number() {
    let said = |typed: &[&str]| {
        let cli = Cli::try_parse_from([&["aicib", "say"][..], typed].concat()).unwrap();
        let Command::Say(args) = cli.command else { panic!("that is another command") };
        (args.job, args.text)
    };
    assert_eq!(said(&["Use the second"]), (None, "Use the second".into()));
    assert_eq!(said(&["7", "Use the second"]), (Some("7".into()), "Use the second".into()));
    assert_eq!(said(&["7", "-"]), (Some("7".into()), "-".into()));
    assert_eq!(said(&["-"]), (None, "-".into()));
}

#[test]
fn a_day_is_said_in_many_ways() {
    let clock = super::sample::sheet().clock;
    for (typed, day) in
        [("2026-11-01", "2026-11-01"), ("today", "2026-11-20"), ("yesterday", "2026-11-19"), ("30d", "2026-10-21")]
    {
        assert_eq!(when::day(typed, "--since", &clock).unwrap(), day);
    }
    for typed in ["", "14:00", "2026-13-01", "in March", "2026-11-20T10:00:00Z", "-3d", "7"] {
        let Err(Failure::Usage(message)) = when::day(typed, "--until", &clock) else { panic!("{typed} is no day") };
        assert!(message.starts_with("--until ") && message.contains("2026-11-01"), "{message}");
    }
}
