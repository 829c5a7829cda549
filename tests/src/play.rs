//! What the provider says of a company that sells to teams: a play for the pictures, slow enough to be seen, and for
//! tests of the window, where nobody waits.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{On, Request, Script, Turn};

/// Ends well, and first of all.
pub const DESCRIPTION: &str = "Write a company description for the website";
/// Ends well.
pub const PRICES: &str = "Compare the pricing pages of three competitors";
/// The provider refuses the key.
pub const REFUSED: &str = "Refresh the competitor table";
/// Never ends: the founder stops it.
pub const STOPPED: &str = "Sort the open support questions by topic";
/// Given to the CFO directly, who has a question.
pub const STARTER: &str = "Work out what a $9 starter plan would leave us";
/// Who asks.
pub const FINANCE: &str = "cfo";
/// Given to the CTO directly, who asks before it sends anything.
pub const STAGING: &str = "Put the landing page on the staging server";
/// Who asks for leave.
pub const ENGINEERING: &str = "cto";
/// A program that is found and says its version. Nothing is asked of it.
pub const CLAUDE: &str = "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.328 (Claude Code)'\nexit 0\n";
/// Runs while the pictures are taken.
pub const LAUNCH: &str = "Build a landing page for the spring launch";
/// Waits in line meanwhile.
pub const HIRING: &str = "Plan the hiring for the next quarter";
/// What the CTO is saying while the pictures are taken; it breaks off before its end.
const LAST_WORDS: &str = "The page is 6 kB with its styles. I'm tightening `web/style.css` now: on a narrow screen the \
    headline breaks after “Plans”, which reads as if the sentence ended there. With a smaller step at 480 pixels it \
    stays on one line, and the three benefits move under it instead of beside it.";
/// As much of it as is waited for.
pub const SAID: &str = "reads as if the";
/// What the CTO looks up in a command.
pub const COMMAND: &str = "wc -c web/index.html web/style.css";
/// Calls that the provider answers, at most.
const CALLS: usize = 400;

/// Tasks that the CEO gives, by which a head's conversation is known.
const ABOUT: &str = "Company description: who we are and for whom, 180 words";
const TABLE: &str = "Price table of the three competitors, with the date of each price";
const COPY: &str = "Landing page copy: headline, three benefits, one quote";
const CHECK: &str = "Check the price table of the launch: three plans, with margins";
const PAGE: &str = "Build web/index.html from docs/landing-copy.md, under 50 kB";

/// What somebody answers, by how often they have answered before.
type Scene = fn(usize) -> Turn;

/// Every call is answered by what was asked and how often it was answered: nothing is remembered.
pub fn script() -> Script {
    Script::of(vec![Turn::made(answer); CALLS]).when(On::Journal, vec![Turn::made(entry); CALLS])
}

/// The same play without its pauses.
pub fn quick_script() -> Script {
    let quick = |request: &Request| answer(request).before(Duration::ZERO).between(Duration::ZERO);
    Script::of(vec![Turn::made(quick); CALLS]).when(On::Journal, vec![Turn::made(entry); CALLS])
}

/// What is kept of a brief.
fn entry(request: &Request) -> Turn {
    let asked = request.first_user();
    let kept = [
        (
            DESCRIPTION,
            "The CMO wrote 180 words about the company for the website, and the CEO checked every claim against what \
             we can prove. The text is in docs/about.md. Open: whether the starter plan is called Starter or Solo.",
        ),
        (
            PRICES,
            "Finance put our prices beside those of Southwind, Eastgate and Tramontane: starter plans cost $9 to \
             $14, ours is in the middle. The table is in docs/competitor-prices.md.",
        ),
    ];
    let text =
        kept.into_iter().find(|(brief, _)| asked.contains(brief)).map_or("The brief was worked on.", |(_, text)| text);
    Turn::text(text).usage(900, 90, 0, 0)
}

fn answer(request: &Request) -> Turn {
    let (asked, step) = place(request.messages());
    // Tasks come first: a task may name its brief.
    let turns: [(&str, Scene); 12] = [
        (ABOUT, about),
        (TABLE, table),
        (COPY, copy),
        (CHECK, check),
        (PAGE, page),
        (DESCRIPTION, description),
        (PRICES, prices),
        (REFUSED, |_| Turn::error(401, "authentication_error", "invalid x-api-key")),
        (STOPPED, questions),
        (LAUNCH, launch),
        (STARTER, starter),
        (STAGING, staging),
    ];
    let turn = turns.into_iter().find(|(words, _)| asked.contains(words));
    turn.map_or_else(|| Turn::text("Done."), |(_, turn)| turn(step))
}

/// What was asked last, and how many answers there are to it.
fn place(messages: &[Value]) -> (String, usize) {
    let is_question =
        |message: &Value| message["role"] == "user" && !message["content"].to_string().contains("tool_result");
    let at = messages.iter().rposition(is_question).unwrap_or(0);
    let asked = messages.get(at).map(|message| message["content"].to_string()).unwrap_or_default();
    (asked, messages.iter().skip(at).filter(|message| message["role"] == "assistant").count())
}

fn spoken(words: &str) -> Turn {
    Turn::text(words).before(Duration::from_millis(700)).between(Duration::from_millis(25))
}

fn task(turn: Turn, to: &str, task: &str) -> Turn {
    turn.and_tool("delegate", json!({ "to": to, "task": task }))
}

fn write(turn: Turn, path: &str, lines: &[&str]) -> Turn {
    turn.and_tool("Write", json!({ "file_path": path, "content": format!("{}\n", lines.join("\n")) }))
}

fn read(turn: Turn, path: &str) -> Turn {
    turn.and_tool("Read", json!({ "file_path": path }))
}

fn description(step: usize) -> Turn {
    match step {
        0 => task(spoken("Marketing writes it, I check that every claim holds."), "cmo", ABOUT)
            .usage(1_900, 380, 0, 21_000),
        1 => read(spoken("Now I read it against what we can prove."), "docs/about.md").usage(900, 120, 22_000, 2_400),
        _ => spoken("180-word description saved to docs/about.md").usage(1_100, 160, 25_000, 900),
    }
}

fn questions(step: usize) -> Turn {
    let says = spoken("I'll go through the questions of the last thirty days first.");
    match step {
        0 => says.and_tool("List", json!({ "path": "." })).usage(1_700, 210, 0, 19_000),
        _ => says.stall_after(8),
    }
}

fn starter(step: usize) -> Turn {
    match step {
        0 => read(spoken("I start from what the others charge."), "docs/competitor-prices.md")
            .usage(1_900, 240, 0, 16_000),
        1 => spoken("")
            .and_tool(
                "ask_founder",
                json!({
                    "question": "At $9 the starter plan keeps a margin of 58%, if support stays as it is. May I plan \
                        with one support person less, or is that line not to be touched?",
                    "options": ["Plan with support as it is", "One person less is fine"],
                }),
            )
            .usage(1_200, 420, 17_000, 2_000),
        _ => spoken("Yes, at a margin of 58%.").usage(900, 160, 19_000, 900),
    }
}

fn staging(step: usize) -> Turn {
    match step {
        0 => spoken("The page is built. It goes to the staging server under a name of its own, beside the old one.")
            .and_tool(
                "Bash",
                json!({ "command": "rsync -a --exclude drafts web/ deploy@staging.northwind.example:/srv/launch/" }),
            )
            .usage(1_400, 210, 0, 12_000),
        _ => spoken("It is on the staging server.").usage(700, 60, 13_000, 500),
    }
}

fn about(step: usize) -> Turn {
    match step {
        0 => write(
            spoken("One paragraph for each question a visitor has."),
            "docs/about.md",
            &[
                "# Northwind Labs",
                "",
                "Northwind Labs makes planning tools for teams of five to fifty.",
                "One page shows who does what this week, and what waits for whom.",
            ],
        )
        .usage(1_400, 900, 0, 14_000),
        _ => spoken("docs/about.md is written: 180 words, no superlatives.").usage(700, 90, 15_000, 1_100),
    }
}

fn prices(step: usize) -> Turn {
    match step {
        0 => task(spoken("This is finance's."), "cfo", TABLE).usage(2_200, 420, 18_000, 26_000),
        _ => spoken("Starter plans cost $9 to $14; ours is in the middle").usage(1_300, 240, 44_000, 1_900),
    }
}

fn table(step: usize) -> Turn {
    match step {
        0 => write(
            spoken("I put the three side by side."),
            "docs/competitor-prices.md",
            &[
                "| | Starter | Team | Business |",
                "|---|---|---|---|",
                "| Ours | $12 | $29 | $79 |",
                "| Southwind | $9 | $25 | $99 |",
                "| Eastgate | $14 | $32 | $85 |",
                "| Tramontane | $12 | $24 | $70 |",
            ],
        )
        .usage(2_600, 1_900, 0, 31_000),
        _ => spoken("The table is in docs/competitor-prices.md.").usage(800, 110, 33_000, 1_200),
    }
}

fn launch(step: usize) -> Turn {
    match step {
        0 => {
            let split = spoken(
                "I'll split this: marketing writes the copy, finance checks the price table, and engineering builds \
                 the page once both are done.",
            );
            task(task(split, "cmo", COPY), "cfo", CHECK).usage(3_200, 900, 0, 58_000)
        }
        _ => task(spoken("Copy approved. CTO, use the second headline; keep the page under 50 kB."), "cto", PAGE)
            .usage(2_100, 420, 61_000, 8_000),
    }
}

fn copy(step: usize) -> Turn {
    match step {
        0 => write(
            spoken("Headline options, in order of preference: “Ship your week in a morning”, “Plans that plan back”."),
            "docs/landing-copy.md",
            &[
                "# Landing page copy",
                "",
                "Headline: Plans that plan back",
                "",
                "- Knows who is free, and asks before it books",
                "- Moves what slipped, and says so",
                "- Works in the tools you have",
                "",
                "> We cancelled two weekly meetings. – Ada, Southbank Studio",
            ],
        )
        .usage(2_400, 3_100, 0, 26_000),
        _ => spoken("docs/landing-copy.md holds two headlines, three benefits and the quote.")
            .usage(1_200, 380, 30_000, 4_000),
    }
}

fn check(step: usize) -> Turn {
    match step {
        0 => read(spoken("First what we charge today."), "docs/competitor-prices.md").usage(1_800, 260, 0, 17_000),
        1 => write(
            spoken("Starter keeps a margin of 71%, even with support counted in."),
            "docs/price-check.md",
            &[
                "# Price check",
                "",
                "| Plan | Price | Margin |",
                "|---|---|---|",
                "| Starter | $12 | 71% |",
                "| Team | $29 | 78% |",
                "| Business | $79 | 81% |",
            ],
        )
        .usage(900, 1_200, 18_000, 2_600),
        _ => spoken("All three prices hold; docs/price-check.md has the numbers.").usage(700, 140, 21_000, 900),
    }
}

fn page(step: usize) -> Turn {
    let benefits: Vec<String> = (1..=18).map(|n| format!("    <p class=\"line-{n}\">…</p>")).collect();
    let mut html = vec!["<!doctype html>", "<title>Northwind Labs</title>", "<h1>Plans that plan back</h1>"];
    html.extend(benefits.iter().map(String::as_str));
    match step {
        0 => read(spoken("The copy first."), "docs/landing-copy.md").usage(4_100, 300, 0, 70_000),
        1 => write(spoken("One file, no framework: that is what keeps it small."), "web/index.html", &html)
            .usage(1_500, 12_000, 41_000, 6_000),
        2 => write(
            spoken("Styles in one sheet."),
            "web/style.css",
            &[
                ":root { --ink: #1f1e1b; --accent: #3a5bd9 }",
                "h1 { font-size: clamp(2rem, 6vw, 3.4rem) }",
                "@media (prefers-color-scheme: dark) { :root { --ink: #f0eee8 } }",
            ],
        )
        .usage(1_100, 2_800, 48_000, 7_000),
        3 => spoken("")
            .and_tool(
                "Edit",
                json!({
                    "file_path": "web/index.html",
                    "old_string": "<title>Northwind Labs</title>",
                    "new_string": "<title>Northwind Labs</title>\n<link rel=\"stylesheet\" href=\"style.css\">",
                }),
            )
            .usage(900, 4_000, 56_000, 3_000),
        4 => spoken("Now how large it is.")
            .and_tool("Bash", json!({ "command": COMMAND }))
            .usage(600, 900, 58_000, 2_000),
        // Still being said while the pictures are taken.
        _ => spoken(LAST_WORDS).stall_after(40).usage(1_000, 900, 60_000, 4_000),
    }
}
