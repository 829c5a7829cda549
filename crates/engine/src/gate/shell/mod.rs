//! What a command line reaches: whether it is a command like any other, or uses the network, publishes, or spends.
//!
//! Nobody can say of every line what it does without running it, so this is no protection by itself: commands are
//! confined. It finds what is written out, in whatever way it is put, and where a line cannot be followed it looks for
//! the names of programs that reach out.

mod lex;
mod programs;

use contract::Act;
use lex::{Simple, Word};

/// Lines inside lines (`bash -c "bash -c …"`), at most.
const MAX_NESTED: usize = 8;
/// Bytes of a line that are taken apart. A longer one is looked through for names alone.
const MAX_LINE: usize = 256 * 1024;

/// What a line reaches: a line of several parts the furthest of them.
pub(super) fn act(line: &str) -> Act {
    nested(line, 0)
}

/// How far an act reaches, as acts of commands go.
fn reach(act: Act) -> u8 {
    match act {
        Act::Spend => 3,
        Act::Publish => 2,
        Act::Network => 1,
        _ => 0,
    }
}

/// The one of two that reaches further.
fn further(one: Act, other: Act) -> Act {
    if reach(other) > reach(one) { other } else { one }
}

fn nested(line: &str, depth: usize) -> Act {
    let parsed = if line.len() <= MAX_LINE && depth <= MAX_NESTED { lex::parse(line) } else { None };
    let Some(parsed) = parsed else { return named(line) };
    let mut is_odd = parsed.is_odd;
    let mut found = Act::Command;
    for command in &parsed.commands {
        let (act, odd) = simple(command, depth);
        found = further(found, act);
        is_odd |= odd;
    }
    if is_odd { further(found, named(line)) } else { found }
}

/// Words that stand before a command and are none.
const KEYWORDS: [&str; 14] =
    ["if", "then", "else", "elif", "while", "until", "do", "{", "}", "!", "coproc", "fi", "done", "esac"];

/// What a simple command reaches, and whether that is all that can be known of it.
fn simple(command: &Simple, depth: usize) -> (Act, bool) {
    let mut found = Act::Command;
    let mut is_odd = false;
    for target in &command.targets {
        if target.text.starts_with("/dev/tcp/") || target.text.starts_with("/dev/udp/") {
            found = Act::Publish;
        }
        is_odd |= target.is_dynamic && target.text.starts_with("/dev/");
    }
    let mut words = command.words.as_slice();
    while let [first, rest @ ..] = words {
        if let Some((name, value)) = assignment(first) {
            // Some programs run what a variable says.
            const RUN: [&str; 6] = ["COMMAND", "CMD", "EDITOR", "PAGER", "ASKPASS", "HOOK"];
            if RUN.iter().any(|end| name.ends_with(end)) {
                found = further(found, nested(value, depth + 1));
            }
        } else if !(first.is_bare && KEYWORDS.contains(&first.text.as_str())) {
            break;
        }
        words = rest;
    }
    let [program, args @ ..] = words else { return (found, is_odd) };
    if program.is_dynamic {
        // A pattern for a name is a way of not writing it.
        let is_test = matches!(program.text.as_str(), "[" | "[[");
        let is_pattern = program.text.contains(['*', '?', '[']) && !is_test;
        return (if is_pattern { further(found, Act::Publish) } else { found }, !is_test);
    }
    let (act, odd) = program_act(program, args, &command.documents, depth);
    (further(found, act), is_odd | odd)
}

/// What a program with its arguments reaches.
fn program_act(program: &Word, args: &[Word], documents: &[String], depth: usize) -> (Act, bool) {
    if depth > MAX_NESTED {
        return (Act::Command, true);
    }
    let name = base(&program.text);
    let texts: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
    let is_vague = args.iter().any(|arg| arg.is_dynamic);
    let all = |from: usize| texts.get(from..).unwrap_or_default().join(" ");
    match name.as_str() {
        // Their arguments, or what they read, are commands, each in a way of its own.
        "case" | "function" | "alias" | "trap" | "awk" | "gawk" | "mawk" | "nawk" | "osascript" | "expect" | "tmux"
        | "screen" | "at" | "batch" | "crontab" | "vi" | "vim" | "nvim" | "ex" | "ed" | "less" | "more" | "tar"
        | "source" | "." => {
            let inside = texts.iter().map(|text| further(nested(text, depth + 1), code(text)));
            (inside.fold(Act::Command, further), true)
        }
        "eval" => (nested(&all(0), depth + 1), is_vague),
        "su" | "runuser" | "script" | "flock" | "pkexec" if texts.contains(&"-c") => {
            let place = texts.iter().position(|text| *text == "-c").map_or(0, |place| place + 1);
            (texts.get(place).map_or(Act::Command, |line| nested(line, depth + 1)), is_vague)
        }
        "bash" | "sh" | "zsh" | "dash" | "ksh" | "ash" | "fish" | "mksh" => shell(args, documents, depth),
        "find" | "fd" | "fdfind" => {
            let starts = texts.iter().enumerate().filter(|(_, text)| {
                matches!(**text, "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch")
            });
            let mut found = (Act::Command, false);
            for (place, _) in starts {
                if let Some([program, rest @ ..]) = args.get(place + 1..) {
                    let (act, odd) = program_act(program, rest, &[], depth + 1);
                    found = (further(found.0, act), found.1 | odd | program.is_dynamic);
                }
            }
            found
        }
        name => {
            if let Some(wrapper) = programs::wrapper(name) {
                return wrapped(wrapper, name, args, documents, depth);
            }
            let mut found = programs::act(name, &texts);
            if programs::is_interpreter(name) {
                let inline = texts.windows(2).filter(|pair| {
                    matches!(pair[0], "-c" | "-e" | "-r" | "-E" | "-p" | "-pe" | "-ne" | "--eval" | "--print" | "eval")
                });
                found = inline.map(|pair| code(pair[1])).fold(found, further);
                found = documents.iter().map(|text| code(text)).fold(found, further);
                if let Some(place) = texts.iter().position(|text| *text == "-m")
                    && let Some(module) = texts.get(place + 1)
                {
                    let rest = texts.get(place + 2..).unwrap_or_default();
                    found = further(found, programs::act(&module.to_ascii_lowercase(), rest));
                }
            }
            // Programs that fetch another and run it.
            if let Some(place) = programs::runs(name, &texts)
                && let Some([program, rest @ ..]) = args.get(place..)
            {
                found = further(found, program_act(program, rest, &[], depth + 1).0);
            }
            (found, false)
        }
    }
}

/// What a shell that is started does: its line, or what it is given to read.
fn shell(args: &[Word], documents: &[String], depth: usize) -> (Act, bool) {
    let mut found = documents.iter().map(|text| nested(text, depth + 1)).fold(Act::Command, further);
    let mut runs_line = false;
    for (place, arg) in args.iter().enumerate() {
        let text = arg.text.as_str();
        if runs_line && !text.starts_with('-') && !text.starts_with('+') {
            return (further(found, nested(text, depth + 1)), arg.is_dynamic);
        }
        if text.starts_with("--command") {
            let line = text.split_once('=').map(|(_, line)| line).or(args.get(place + 1).map(|arg| arg.text.as_str()));
            found = further(found, line.map_or(Act::Command, |line| nested(line, depth + 1)));
            return (found, arg.is_dynamic);
        }
        if text.starts_with('-') && !text.starts_with("--") && text.contains('c') {
            runs_line = true;
        } else if !text.starts_with('-') && !text.starts_with('+') {
            // A file with a script, of which nothing is known.
            return (found, arg.is_dynamic);
        }
    }
    // It reads its script from somewhere else.
    (found, documents.is_empty())
}

/// What a program does that another one is started by.
fn wrapped(wrapper: programs::Wrapper, name: &str, args: &[Word], documents: &[String], depth: usize) -> (Act, bool) {
    let rest = |from: usize| args[from..].iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ");
    // These take more arguments from what they read.
    let mut found = (Act::Command, matches!(name, "xargs" | "gxargs" | "parallel"));
    let mut skip = wrapper.positions;
    // Words that may be the program: one, and one more for each option that may have a value of its own.
    let mut tries = 1usize;
    let mut has_begun = false;
    let mut place = 0;
    while let Some(arg) = args.get(place) {
        let text = arg.text.as_str();
        place += 1;
        if name == "env" && matches!(text, "-S" | "--split-string") {
            return (nested(&rest(place), depth + 1), arg.is_dynamic);
        }
        if text.starts_with('-') && text.len() > 1 {
            if wrapper.with_value.contains(&text) && !has_begun {
                place += 1;
            } else if text != "--" && !text.contains('=') && !has_begun {
                tries += 1;
            }
            continue;
        }
        if !has_begun && assignment(arg).is_some() && matches!(name, "env" | "sudo" | "doas") {
            continue;
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        has_begun = true;
        let (act, odd) = match wrapper.is_line {
            true => (nested(&rest(place - 1), depth + 1), false),
            false => program_act(arg, &args[place..], documents, depth + 1),
        };
        found = (further(found.0, act), found.1 | odd | arg.is_dynamic);
        tries -= 1;
        if tries == 0 {
            break;
        }
    }
    found
}

/// What code of another language seems to do: by the names in it.
fn code(text: &str) -> Act {
    let lower = text.to_ascii_lowercase();
    let has = |marks: &[&str]| marks.iter().any(|mark| lower.contains(mark));
    let sends = ["smtplib", ".post(", ".put(", ".patch(", "'post'", "\"post\"", "sendmail", "nodemailer", "data="];
    let reaches = ["http", "urllib", "requests", "socket", "fetch(", "net/", "urlopen", "ftplib", "paramiko"];
    let found = match (has(&reaches), has(&sends)) {
        (true, true) => Act::Publish,
        (true, false) => Act::Network,
        (false, _) => {
            if has(&["smtplib", "sendmail", "nodemailer"]) {
                Act::Publish
            } else {
                Act::Command
            }
        }
    };
    let runs = ["system", "exec", "popen", "subprocess", "spawn", "`"];
    if has(&runs) { further(found, named(text)) } else { found }
}

/// The furthest that any program reaches whose name is somewhere in a text.
fn named(text: &str) -> Act {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut found = Act::Command;
    let mut words = Vec::new();
    for word in text.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()).take(50_000) {
        let name = base(word);
        found = further(found, programs::at_worst(&name));
        words.push(name);
    }
    if text.contains("/dev/tcp/") || text.contains("/dev/udp/") {
        return further(found, Act::Publish);
    }
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let publishes = any(&programs::PUBLISHERS) && any(&programs::PUBLISHING);
    if publishes { further(found, Act::Publish) } else { found }
}

/// The name of a program, without its folder.
fn base(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

/// `NAME=VALUE`, where a word is that.
fn assignment(word: &Word) -> Option<(&str, &str)> {
    let (name, value) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

#[cfg(test)]
mod tests;
