//! `aicib cost` and `aicib journal`.

use contract::{
    Band, CostBasis, CostBy, CostReport, CostRow, EntryId, JobId, JournalEntry, LimitUse, Money, SessionId, Time,
    Tokens,
};

use super::sample::{NOON, sheet};
use crate::commands::{csv, entry_lines, report_lines};
use crate::text::columns;

fn row(key: &str, label: &str, nanos: i64, basis: CostBasis) -> CostRow {
    let tokens = Tokens { input: 14_200, output: 3_400, cache_read: 900, cache_write: 100 };
    CostRow { key: key.into(), label: label.into(), calls: 12, tokens, cost_usd: Money::nanos(nanos), basis }
}

fn limit(name: &str, key: &str, spent: i64, most: i64, band: Band) -> LimitUse {
    LimitUse {
        name: name.into(),
        key: key.into(),
        spent_usd: Some(Money::nanos(spent)),
        limit_usd: Some(Money::nanos(most)),
        tokens: None,
        limit_tokens: None,
        band,
    }
}

fn report(rows: Vec<CostRow>) -> CostReport {
    CostReport {
        since: "2026-11-01".into(),
        until: "2026-11-20".into(),
        total_usd: rows.iter().fold(Money::ZERO, |sum, row| sum + row.cost_usd),
        rows,
        more: false,
        forecast_usd: None,
        limits: vec![],
        prices_of: "2026-05-01".into(),
        prices_stale: false,
    }
}

#[test]
fn a_report_says_how_sure_each_figure_is() {
    let rows = vec![
        row("ceo", "CEO", 1_204_000_000, CostBasis::Reported),
        row("cto", "CTO", 74_600_001, CostBasis::Estimated),
        row("backend-engineer", "Backend Engineer", 0, CostBasis::Free),
        row("data-scientist", "Data Scientist", 0, CostBasis::Unknown),
    ];
    let tokens = LimitUse {
        spent_usd: None,
        limit_usd: None,
        tokens: Some(120_000),
        limit_tokens: Some(200_000),
        ..limit("Tokens today", "settings.token_limit_daily", 0, 0, Band::Yellow)
    };
    let full = CostReport {
        forecast_usd: Some(Money::nanos(612_300_000_000)),
        limits: vec![
            limit("Day", "settings.cost_limit_daily", 41_000_000_000, 50_000_000_000, Band::Red),
            limit("Month", "settings.cost_limit_monthly", 120_000_000_000, 500_000_000_000, Band::Green),
            tokens,
        ],
        prices_stale: true,
        ..report(rows)
    };
    insta::assert_snapshot!(report_lines(&full, CostBy::Agent, "Acme", &sheet()).join("\n"));
}

#[test]
fn e026_a_limit_is_coloured_by_its_band() {
    let mut sheet = sheet();
    sheet.paint = crate::out::Paint::choose(crate::args::ColorChoice::Always, &std::io::stdout());
    let shown = |band| {
        let limits = vec![limit("Day", "settings.cost_limit_daily", 1, 2, band)];
        let report = CostReport { limits, ..report(vec![]) };
        let lines = report_lines(&report, CostBy::Agent, "Acme", &sheet);
        lines.into_iter().find(|line| line.contains("Day")).unwrap()
    };
    assert!(shown(Band::Red).contains("\u{1b}[31m$"), "{}", shown(Band::Red));
    assert!(shown(Band::Yellow).contains("\u{1b}[33m$"), "{}", shown(Band::Yellow));
    assert!(!shown(Band::Green).contains("\u{1b}[31m") && !shown(Band::Green).contains("\u{1b}[33m"));
}

#[test]
fn a_report_of_nothing_says_so_and_one_that_is_cut_too() {
    let none = report_lines(&report(vec![]), CostBy::Day, "Acme", &sheet()).join("\n");
    assert!(none.contains("Nothing was spent"), "{none}");
    let cut = CostReport { more: true, ..report(vec![row("2026-11-20", "2026-11-20", 1, CostBasis::Free)]) };
    let cut = report_lines(&cut, CostBy::Day, "Acme", &sheet()).join("\n");
    assert!(cut.contains("and more") && !cut.contains("prices of"), "{cut}");
}

#[test]
fn a_row_keeps_to_its_line_whatever_its_label() {
    for label in ["公司".repeat(60), "👩‍💻🇩🇪".repeat(40), "x".repeat(200), "\u{1b}[2Jשלום ".repeat(40)]
    {
        let rows = vec![row("12", &label, 74_600_001, CostBasis::Unknown)];
        for line in report_lines(&report(rows), CostBy::Job, "Acme", &sheet()) {
            assert!(columns(&line) <= 80 && !line.contains('\u{1b}'), "{}: {line}", columns(&line));
        }
    }
}

#[test]
fn a_spreadsheet_gets_every_nano_dollar_and_no_formula() {
    let rows = vec![
        row("12", "#12 Write, \"quickly\"", 1_000_000_001, CostBasis::Estimated),
        row("13", "=HYPERLINK(\"http://x\")", 0, CostBasis::Free),
        row("14", "+1", 5, CostBasis::Free),
        row("15", "-1+2", 5, CostBasis::Free),
        row("16", " @SUM(A1)", 5, CostBasis::Free),
        row("17", "\t=1\u{1b}[2J", 5, CostBasis::Reported),
    ];
    let head = "job,label,calls,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,basis";
    let figures = "12,14200,3400,900,100";
    let expected = [
        head.to_owned(),
        format!("12,\"#12 Write, \"\"quickly\"\"\",{figures},1.000000001,estimated"),
        format!("13,\"'=HYPERLINK(\"\"http://x\"\")\",{figures},0.000000000,free"),
        format!("14,\"'+1\",{figures},0.000000005,free"),
        format!("15,\"'-1+2\",{figures},0.000000005,free"),
        format!("16,\"' @SUM(A1)\",{figures},0.000000005,free"),
        format!("17,\"'\t=1\",{figures},0.000000005,reported"),
    ];
    assert_eq!(csv(&report(rows), CostBy::Job), expected);
}

#[test]
fn an_entry_of_the_journal_is_whole() {
    let entry = JournalEntry {
        entry_id: EntryId(3),
        job_id: JobId(12),
        session_id: SessionId(3),
        title: "Write the imprint".into(),
        text: "The imprint is written and linked from every page. \u{1b}[31mThe address is still missing; \
               the CFO was asked for it."
            .into(),
        at: Time(NOON),
        cost_usd: Money::nanos(74_600_000),
        turns: 4,
        files: (1..=7).map(|number| format!("docs/{number}.md")).collect(),
    };
    insta::assert_snapshot!(entry_lines(&entry, &sheet()).join("\n"));
}
