//! English.

use crate::{Language, Words};

fn count(n: usize) -> String {
    Language::En.count(n)
}

pub(crate) const WORDS: Words = Words {
    language: Language::En,
    running: |n| format!("{} running", count(n)),
    waiting: |n| format!("{} waiting", count(n)),
    in_line: |n| format!("{} in line", count(n)),
    planned: |n| format!("{} planned", count(n)),
    nothing_runs: "Nothing running",
    on_hold: "All work on hold",
    on_hold_with: |work| format!("All work on hold: {work}"),
    stopping: "Stopping the work…",
    connecting: "Connecting…",
    header: |work, today| format!("{work} · {today} today"),
    mood_waiting: "waits for you",
    mood_failed: "a brief failed",
    mood_working: "at work",
    mood_idle: "idle",
    quick_brief: "Quick brief",
    open_app: "Open AICIB",
    pause_all: "Pause all work",
    resume_all: "Resume all work",
    quit: "Quit",

    quit_title: "Quit AICIB?",
    quit_text: |n| {
        let what = if n == 1 { "1 job is".to_owned() } else { format!("{} jobs are", count(n)) };
        format!("{what} under way. The work can go on without the window, and you are told when it is done.")
    },
    quit_keep: "Quit, keep working",
    quit_stop: "Stop the work and quit",
    cancel: "Cancel",

    attach_files: "Attach files",
    choose_folder: "Choose a folder",
    save_as: "Save as",

    done: |title| format!("Done: {title}"),
    failed: |title| format!("Failed: {title}"),
    stopped_at_limit: |title| format!("Stopped at a limit: {title}"),
    finished: |who, job, took, cost| match cost {
        Some(cost) => format!("{who} finished job {job} in {took} for {cost}."),
        None => format!("{who} finished job {job} in {took}."),
    },
    of_job: |job, what| format!("Job {job}: {what}"),
    asks: |who, what| format!("{who} asks: {what}"),
    limit_reached: |title| format!("A limit is reached: {title}"),
    circles: |title| format!("Going round in circles: {title}"),
    waits: |job| format!("Job {job} waits for you."),
    own_question: |text| text.to_owned(),
    wants: |_, _, text| text.to_owned(),
    more_than_fits: "More than fits here.",
    more_done: |n| format!("{} more briefs are done", count(n)),
    more_ended: |n, failed| match failed {
        1 => format!("{} more briefs ended, 1 of them failed", count(n)),
        failed => format!("{} more briefs ended, {} of them failed", count(n), count(failed)),
    },
    and_more: |n| format!("and {} more", count(n)),

    seconds: |s| format!("{s} s"),
    minutes: |m, s| format!("{m} m {s} s"),
    hours: |h, m| format!("{h} h {m} m"),

    open: "Open",
    review: "Review",
    show_all: "Show all",
    follow_up: "Brief a follow-up",
    allow: "Allow",
    deny: "Deny",
};
