//! What can be typed about the daemon.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Start it where none runs
    #[command(after_help = "Examples:\n  aicib daemon start\n  aicib daemon start --foreground")]
    Start {
        /// Be the daemon, here and now, until Ctrl-C: for systemd and containers
        #[arg(long)]
        foreground: bool,
    },
    /// Stop it; work under way goes on
    #[command(after_help = "Example:\n  aicib daemon stop")]
    Stop,
    /// Begin it anew, from its program as it is now; work under way goes on
    #[command(after_help = "Example:\n  aicib daemon restart")]
    Restart,
    /// Say whether it runs, and what it holds
    #[command(after_help = "Example:\n  aicib daemon status")]
    Status,
    /// Say how it and its workers fare: memory, lag, disk, last errors
    #[command(after_help = "Examples:\n  aicib daemon health\n  aicib daemon health --json")]
    Health,
    /// Show its log, those put aside included; needs no daemon
    #[command(after_help = "Examples:\n  aicib daemon logs\n  aicib daemon logs -n 500\n  aicib daemon logs -f")]
    Logs {
        /// How many lines [default: 100]
        #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
        lines: Option<String>,
        /// Go on with what is still to come, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Make it read its settings and every company's config anew
    #[command(after_help = "Example:\n  aicib daemon reload")]
    Reload,
    /// Make it say more or less in its log, until it ends or reloads
    #[command(after_help = "The setting log_level is the one that stays.\n\n\
                            Examples:\n  aicib daemon log-level debug\n  aicib daemon log-level")]
    LogLevel {
        /// error, warn, info, debug or trace [default: say what it is]
        level: Option<String>,
    },
}
