//! A play for people who try the app without a provider of their own.

use serde_json::json;

use crate::{On, Request, Script, Turn};

/// A CEO who gives work to two heads at once; each writes a file and reports; the CEO writes a report and answers.
pub fn company_play() -> Script {
    Script::default()
        .when(
            On::Task("Draft the facts page".into()),
            head("docs/facts.md", "# Facts\n\nWhat we know about the company.\n"),
        )
        .when(On::Task("Draft the about page".into()), head("docs/about.md", "# About us\n\nA page for visitors.\n"))
        .when(
            On::Any,
            [
                Turn::made(opening),
                Turn::text("Both drafts are here. I put them together.")
                    .and_tool(
                        "Write",
                        json!({
                            "file_path": "reports/company-description.md",
                            "content": "# Company description\n\nPut together from docs/facts.md and docs/about.md.\n",
                        }),
                    )
                    .usage(2_400, 310, 1_800, 600),
                Turn::text("The company description is in reports/company-description.md.")
                    .usage(2_900, 45, 2_400, 200),
            ],
        )
}

fn head(path: &str, content: &str) -> [Turn; 3] {
    [
        Turn::text("I look at what there is.").and_tool("List", json!({ "path": "." })).usage(1_200, 60, 0, 900),
        Turn::tool("Write", json!({ "file_path": path, "content": content })).usage(1_500, 180, 900, 300),
        Turn::text(format!("Done: {path} is written.")).usage(1_800, 30, 1_200, 0),
    ]
}

fn opening(request: &Request) -> Turn {
    let roles = request.roles();
    let tasks = ["Draft the facts page for the company.", "Draft the about page for the company."];
    let mut turn = Turn::text("I give the two drafts to the heads.").usage(2_000, 150, 0, 1_800);
    for (role, task) in roles.iter().zip(tasks) {
        turn = turn.and_tool("delegate", json!({ "to": role, "task": task }));
    }
    turn
}
