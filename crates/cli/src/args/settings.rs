//! The founder's settings, as they are typed and explained.

use std::fmt::Write as _;

use clap::Subcommand;

/// A setting that can be seen and set here.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    /// What it may be, to stand after "must be".
    pub(crate) expected: &'static str,
    /// What it is for, with its unit, in a few words.
    pub(crate) about: &'static str,
    /// What it may be, in a word or two.
    pub(crate) range: &'static str,
}

const fn setting(key: &'static str, range: &'static str, about: &'static str, expected: &'static str) -> Setting {
    Setting { key, expected, about, range }
}

/// All of them, in the order they are shown. Whether the first-start steps are behind the founder is no setting.
pub(crate) const SETTINGS: [Setting; 34] = [
    setting("max_parallel_jobs", "1-100", "jobs at once", "a whole number from 1 to 100"),
    setting(
        "brief_limit_usd",
        "0-",
        "a brief's limit, in dollars",
        "an amount of dollars such as 2.50, or 0 for no limit",
    ),
    setting(
        "run_minutes",
        "0-10080",
        "minutes a run may work",
        "a whole number of minutes up to 10080, or 0 for no limit",
    ),
    setting(
        "run_first_output_minutes",
        "0-1440",
        "minutes a run may take to its first word",
        "a whole number of minutes up to 1440, or 0 for no limit",
    ),
    setting(
        "run_silence_minutes",
        "0-1440",
        "minutes a run may be silent",
        "a whole number of minutes up to 1440, or 0 for no limit",
    ),
    setting("run_turns", "0-10000", "model calls of the CEO in a run", "a whole number up to 10000, or 0 for no limit"),
    setting(
        "run_output_mb",
        "0-100000",
        "megabytes a run may record",
        "a whole number of megabytes up to 100000, or 0 for no limit",
    ),
    setting("run_retries", "0-10", "new tries after a failure that passes", "a whole number from 0 to 10"),
    setting(
        "stop_grace_ms",
        "0-60000",
        "ms a process gets to end when told to",
        "a whole number of milliseconds from 0 to 60000",
    ),
    setting("notifications", "on, off", "tell me when work ends", "true or false"),
    setting("notify.done", "on, off", "of briefs that were completed", "true or false"),
    setting("notify.failed", "on, off", "of briefs that failed", "true or false"),
    setting("notify.question", "on, off", "of questions", "true or false"),
    setting("notify.approval", "on, off", "of questions for leave to act", "true or false"),
    setting(
        "notify.quiet_from",
        "a time",
        "when it becomes quiet; \"\" for never",
        "a time of day such as 22:00, or \"\" for never",
    ),
    setting("notify.quiet_to", "a time", "when it ends to be quiet", "a time of day such as 07:00, or \"\" for never"),
    setting("notify.quiet_lets_urgent", "on, off", "failures, questions in quiet hours", "true or false"),
    setting(
        "quick_shortcut",
        "keys",
        "opens Quick brief; \"\" for none",
        "keys such as CmdOrCtrl+Shift+Space, or \"\" for none",
    ),
    setting("theme", "a name", "the window: system, light or dark", "system, light or dark"),
    setting(
        "language",
        "a name",
        "window, tray, notices: en, de; \"\": system's",
        "the short name of a language such as de, or \"\" for the system's",
    ),
    setting("text_percent", "80-200", "the size of text in the window", "a whole number from 80 to 200"),
    setting(
        "shortcuts",
        "by action",
        "one each: shortcuts.palette",
        "ACTION=KEYS with commas between them; shortcuts.ACTION takes one, or \"\" for the usual keys",
    ),
    setting("practice_pace", "0.1-100", "speed of practice; 10: ten times as fast", "a number from 0.1 to 100"),
    setting("log_level", "a level", "the daemon's log: from error to trace", "error, warn, info, debug or trace"),
    setting(
        "anthropic_base_url",
        "address",
        "where the Anthropic API is",
        "an https address (http on this machine only), or \"\" for the provider's own",
    ),
    setting(
        "openai_base_url",
        "address",
        "where the OpenAI-compatible API is",
        "an https address (http on this machine only), or \"\" for OpenAI's own",
    ),
    setting("openai_model", "a name", "its model where a company names none", "a model's name, or \"\" for none"),
    setting(
        "engine_programs",
        "by engine",
        "one each: engine_programs.codex",
        "ENGINE=PATH with commas between them; engine_programs.ENGINE takes one path, or \"\" for none",
    ),
    setting("acp_command", "a command", "starts acp:custom; \"\" for none", "a command line, or \"\" for none"),
    setting(
        "engine_pays",
        "by engine",
        "auto, login or key: engine_pays.codex",
        "ENGINE=HOW with commas between them; engine_pays.ENGINE takes auto, login or key",
    ),
    setting(
        "approval_minutes",
        "0-10080",
        "minutes until leave to act is denied",
        "a whole number of minutes up to 10080, or 0 for never",
    ),
    setting(
        "sandbox",
        "a word",
        "confine agents: auto, required or off",
        "auto (as far as this system can), required or off",
    ),
    setting("sandbox_network", "on, off", "confined commands use the network", "true or false"),
    setting(
        "sandbox_read",
        "folders",
        "what confined agents may read beside",
        "folders with colons between them, or \"\" for none",
    ),
];

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show a setting, or all of them
    #[command(after_help = "Example:\n  aicib settings get brief_limit_usd")]
    Get {
        /// Its name
        key: Option<String>,
    },
    /// Change a setting
    #[command(after_help = help())]
    Set {
        /// Its name
        key: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
}

/// What stands below the help: every setting with what it may be.
pub(super) fn help() -> String {
    let mut text = String::from("Settings (where 0 is allowed for a limit, it means none):\n");
    for setting in &SETTINGS {
        // Writing to a string cannot fail.
        let _ok = writeln!(text, "  {:24}  {:10}  {}", setting.key, setting.range, setting.about);
    }
    text.push_str("\nExamples:\n  aicib settings set brief_limit_usd 2.50\n  aicib settings set run_minutes 240");
    text
}
