//! What was spent, from the terminal.
#![cfg(target_os = "linux")]

use blackbox::Terminal;
use serde_json::{Value, json};
use testkit::{Provider, company_play};

fn nanos(dollars: &Value) -> i64 {
    (dollars.as_f64().unwrap_or_default() * 1e9).round() as i64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_adds_up_however_it_is_looked_at() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let terminal = Terminal::with_provider(&provider)?;
    assert!(terminal.run(&["cost"])?.good()?.contains("Nothing was spent"));
    terminal.run(&["brief", "Write a company description"])?.good()?;
    let spent = provider.spent_nanos();
    assert!(spent > 0);
    for by in ["agent", "model", "day", "job", "session"] {
        let report = terminal.run(&["cost", "--by", by, "--json"])?.json()?;
        let rows = report["rows"].as_array().cloned().unwrap_or_default();
        let sum: i64 = rows.iter().map(|row| nanos(&row["cost_usd"])).sum();
        assert_eq!((sum, nanos(&report["total_usd"])), (spent, spent), "by {by}: {report}");
    }
    let out = terminal.run(&["cost"])?.good()?;
    for part in ["AGENT", "CEO", "estimated", "Total", "Limits", "settings.cost_limit_daily", "of $50.00"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let csv = terminal.run(&["cost", "--by", "job", "--csv"])?.good()?;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("job,label,calls,") && lines[1].ends_with(",estimated"), "{csv}");
    let exact = format!("{}.{:09}", spent / 1_000_000_000, spent % 1_000_000_000);
    assert!(lines[1].contains(&format!(",{exact},")), "{csv}");

    let of_session = terminal.run(&["cost", "--session", "1", "--json"])?.json()?;
    assert_eq!(nanos(&of_session["total_usd"]), spent);
    let before = terminal.run(&["cost", "--since", "2020-01-01", "--until", "2020-12-31", "--json"])?.json()?;
    assert_eq!((nanos(&before["total_usd"]), &before["rows"]), (0, &json!([])));
    assert!(terminal.run(&["cost", "--history"])?.good()?.contains("DAY"));
    let status = terminal.run(&["status"])?.good()?;
    assert!(status.lines().any(|line| line.trim_start().starts_with("CEO") && line.contains("$0.")), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn e026_spending_near_its_limit_is_coloured() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let terminal = Terminal::with_provider(&provider)?;
    terminal.run(&["brief", "Write a company description"])?.good()?;
    let spent = provider.spent_nanos() as f64 / 1e9;
    for (limit, colour) in [(spent / 0.9, "\u{1b}[31m"), (spent / 0.6, "\u{1b}[33m"), (spent / 0.4, "")] {
        terminal.run(&["config", "set", "settings.cost_limit_daily", &format!("{limit:.9}")])?.good()?;
        for command in ["cost", "status"] {
            let out = terminal.run(&[command, "--color", "always"])?.good()?;
            let name = if command == "cost" { "  Day" } else { "Today" };
            let line = out.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let coloured = line.contains("\u{1b}[31m") || line.contains("\u{1b}[33m");
            assert!(line.contains(colour) && coloured != colour.is_empty(), "{command} {colour:?}: {line:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn practice_is_free_and_says_so() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    let out = terminal.run(&["cost"])?.good()?;
    assert!(out.contains("$0.00  free") && !out.contains("estimated"), "{out}");
    Ok(())
}

#[tokio::test]
async fn a_report_that_is_asked_for_wrongly_is_refused() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    for args in [
        &["cost", "--by", "colour"][..],
        &["cost", "--session", "x"],
        &["cost", "--since", "soon"],
        &["cost", "--since", "2026-02-02", "--until", "2026-01-01"],
        &["cost", "--history", "--since", "30d"],
        &["cost", "--csv", "--json"],
    ] {
        assert_eq!(terminal.run(args)?.code, 2, "{args:?}");
    }
    Ok(())
}
