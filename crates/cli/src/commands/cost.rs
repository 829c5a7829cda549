//! `aicib cost`: what the company spent, how sure that is, and what its limits leave.

use std::fmt::Write as _;

use contract::{CostBasis, CostBy, CostReport, CostReportParams, CostRow, LimitUse, Money, SessionId, methods};

use crate::args::{By, CostArgs};
use crate::context::{Context, Sheet, number};
use crate::facts::{banded, basis};
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, aside};
use crate::text::{columns, fit, grouped, line, pad, pad_left, safe};
use crate::when;

/// Before the first day on which anything was spent.
const FIRST_DAY: &str = "1970-01-01";
/// The config's key of the limit that a forecast is held against.
const MONTHLY: &str = "settings.cost_limit_monthly";
/// Columns of what a row is of, at most; a job's title takes what is left of the line.
const LABEL_COLUMNS: usize = 32;

/// Prints a report.
pub(crate) async fn cost(context: &mut Context, args: CostArgs) -> Outcome {
    if args.csv && context.out.json {
        return Err(Failure::usage("--csv and --json are two ways to print it: choose one."));
    }
    let clock = context.clock();
    let day = |typed: &Option<String>, flag| typed.as_deref().map(|typed| when::day(typed, flag, &clock)).transpose();
    let (since, until) = (day(&args.since, "--since")?, day(&args.until, "--until")?);
    let session =
        args.session.as_deref().map(|typed| number(typed.trim_start_matches('#'), "--session")).transpose()?;
    let from_the_first = args.history || session.is_some();
    let by: CostBy = args.by.unwrap_or(if args.history { By::Day } else { By::Agent }).into();
    let since = since.or_else(|| from_the_first.then(|| FIRST_DAY.to_owned()));
    if let (Some(since), Some(until)) = (&since, &until)
        && since > until
    {
        return Err(Failure::usage(format!("--until {until} is before --since {since}.")));
    }
    let params =
        CostReportParams { company: context.company_ref()?, by, since, until, session_id: session.map(SessionId) };
    let daemon = context.daemon().await?;
    let company = context.company(&daemon).await?;
    let report = daemon.call::<methods::CostReportGet>(params).await?;
    if context.out.json {
        return Ok(context.out.value(&report)?);
    }
    if args.csv {
        for row in csv(&report, by) {
            context.out.line(&row)?;
        }
        if report.more {
            aside("There are more rows than these: ask for fewer days with --since and --until.");
        }
        return Ok(());
    }
    let what = match session {
        Some(session) => format!("{}, session {session}", line(&company.name, 80)),
        None => line(&company.name, 80),
    };
    for line in report_lines(&report, by, &what, &context.sheet()) {
        context.out.line(&line)?;
    }
    Ok(())
}

/// A report, for people.
pub(crate) fn report_lines(report: &CostReport, by: CostBy, what: &str, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let from = if report.since.as_str() <= FIRST_DAY {
        format!("up to {}", line(&report.until, 20))
    } else {
        format!("{} to {}", line(&report.since, 20), line(&report.until, 20))
    };
    let mut lines = vec![format!("{}  {}", paint.ink(Ink::Bold, what), paint.ink(Ink::Dim, &from)), String::new()];
    if report.rows.is_empty() {
        lines.push("Nothing was spent in these days.".to_owned());
    } else {
        lines.extend(table(report, by, sheet));
    }
    if !report.limits.is_empty() {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Limits"));
        lines.extend(limit_lines(&report.limits, sheet));
    }
    let mut remarks = Vec::new();
    if let Some(forecast) = report.forecast_usd {
        remarks.push(foretold(forecast, &report.limits, sheet));
    }
    let of = line(&report.prices_of, 20);
    if report.prices_stale {
        let old = format!(
            "Estimates are made with the prices of {of}: they may have changed since. \
             engine.prices in the config overrides them."
        );
        remarks.push(paint.ink(Ink::Yellow, &old));
    } else if report.rows.iter().any(|row| row.basis == CostBasis::Estimated) {
        remarks.push(paint.ink(Ink::Dim, &format!("Estimates are made with the prices of {of}.")));
    }
    if report.rows.iter().any(|row| row.basis == CostBasis::Unknown) {
        remarks
            .push(paint.ink(Ink::Yellow, "Where the price is unknown it may have cost more: nobody knows how much."));
    }
    if !remarks.is_empty() {
        lines.push(String::new());
        lines.extend(remarks);
    }
    lines
}

/// What the month will come to; in colour where that is more than it may.
fn foretold(forecast: Money, limits: &[LimitUse], sheet: &Sheet) -> String {
    let text = format!("At the pace of the last seven days this month comes to about {forecast}");
    let limit = limits.iter().find(|limit| limit.key == MONTHLY).and_then(|limit| limit.limit_usd);
    match limit.filter(|limit| *limit > Money::ZERO && forecast > *limit) {
        Some(limit) => sheet.paint.ink(Ink::Yellow, &format!("{text}: more than its limit of {limit}.")),
        None => format!("{text}."),
    }
}

const fn head(by: CostBy) -> &'static str {
    match by {
        CostBy::Agent => "AGENT",
        CostBy::Model => "MODEL",
        CostBy::Day => "DAY",
        CostBy::Job => "JOB",
        CostBy::Session => "SESSION",
    }
}

/// Rows as a table, and what they come to together.
fn table(report: &CostReport, by: CostBy, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let figures: Vec<[String; 5]> = report.rows.iter().map(figures).collect();
    let total = total(report);
    let heads = ["CALLS", "IN", "OUT", "CACHE", "COST"].map(str::to_owned);
    let all = figures.iter().chain([&heads, &total.0]);
    let mut widths = [0; 5];
    for row in all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    // Behind the label: the figures, two blanks before each, and the basis.
    let taken = widths.iter().map(|width| width + 2).sum::<usize>() + 2 + "price unknown".len();
    let most =
        sheet.left(taken).clamp(12, if matches!(by, CostBy::Job | CostBy::Session) { 60 } else { LABEL_COLUMNS });
    let labels: Vec<String> = report.rows.iter().map(|row| fit(&row.label, most)).collect();
    let first = labels.iter().map(|label| columns(label)).chain(["Total".len(), head(by).len()]).max().unwrap_or(0);
    let row = |label: &str, cells: &[String; 5], basis: &str| {
        let mut out = pad(label, first);
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ok = write!(out, "  {}", pad_left(cell, width));
        }
        if !basis.is_empty() {
            out.push_str("  ");
            out.push_str(basis);
        }
        out
    };
    let mut lines = vec![paint.ink(Ink::Dim, &row(head(by), &heads, ""))];
    for ((cells, label), cost) in figures.iter().zip(&labels).zip(&report.rows) {
        let ink = if cost.basis == CostBasis::Unknown { Ink::Yellow } else { Ink::Dim };
        lines.push(row(label, cells, &paint.ink(ink, basis(cost.basis))));
    }
    if report.more {
        lines.push(paint.ink(Ink::Dim, "… and more: ask for fewer days with --since and --until"));
    }
    lines.push(paint.ink(Ink::Bold, &row("Total", &total.0, total.1)));
    lines
}

fn figures(row: &CostRow) -> [String; 5] {
    let tokens = row.tokens;
    let cost = if row.basis == CostBasis::Unknown { format!("{}+", row.cost_usd) } else { row.cost_usd.to_string() };
    let cache = tokens.cache_read.saturating_add(tokens.cache_write);
    [grouped(row.calls), grouped(tokens.input), grouped(tokens.output), grouped(cache), cost]
}

/// All rows together: only the money is known of those that are not shown.
fn total(report: &CostReport) -> ([String; 5], &'static str) {
    let sum = |of: &dyn Fn(&CostRow) -> i64| match report.more {
        true => String::new(),
        false => grouped(report.rows.iter().map(of).fold(0, i64::saturating_add)),
    };
    let unsure = [CostBasis::Unknown, CostBasis::Estimated, CostBasis::Reported];
    let least = unsure.into_iter().find(|basis| report.rows.iter().any(|row| row.basis == *basis));
    let least = least.unwrap_or(CostBasis::Free);
    let plus = if least == CostBasis::Unknown { "+" } else { "" };
    let figures = [
        sum(&|row| row.calls),
        sum(&|row| row.tokens.input),
        sum(&|row| row.tokens.output),
        sum(&|row| row.tokens.cache_read.saturating_add(row.tokens.cache_write)),
        format!("{}{plus}", report.total_usd),
    ];
    (figures, basis(least))
}

/// Limits, each with what is used of it and the key that sets it.
fn limit_lines(limits: &[LimitUse], sheet: &Sheet) -> Vec<String> {
    let names: Vec<String> = limits.iter().map(|limit| fit(&limit.name, LABEL_COLUMNS)).collect();
    let used: Vec<String> = limits.iter().map(used).collect();
    let name_width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let used_width = used.iter().map(|used| columns(used)).max().unwrap_or(0);
    let rows = limits.iter().zip(names).zip(used).map(|((limit, name), used)| {
        let key = sheet.paint.ink(Ink::Dim, &line(&limit.key, 80));
        let used = banded(&pad(&used, used_width), limit.band, sheet.paint);
        format!("  {}  {used}  {key}", pad(&name, name_width))
    });
    rows.collect()
}

fn used(limit: &LimitUse) -> String {
    if let (Some(tokens), Some(most)) = (limit.tokens, limit.limit_tokens) {
        if most <= 0 {
            return format!("{} tokens, no limit", grouped(tokens));
        }
        let percent = i128::from(tokens.max(0)) * 100 / i128::from(most);
        return format!("{} of {} tokens ({percent} %)", grouped(tokens), grouped(most));
    }
    crate::text::spend(limit.spent_usd.unwrap_or_default(), limit.limit_usd.unwrap_or_default()).0
}

/// Rows for a spreadsheet (RFC 4180, but for the ends of its lines), every nano-dollar of them.
pub(crate) fn csv(report: &CostReport, by: CostBy) -> Vec<String> {
    let columns = "label,calls,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,basis";
    let mut lines = vec![format!("{},{columns}", head(by).to_lowercase())];
    lines.extend(report.rows.iter().map(|row| {
        let tokens = row.tokens;
        let numbers = [row.calls, tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
        let numbers = numbers.map(|number| number.to_string()).join(",");
        let dollars = exact(row.cost_usd);
        format!("{},{},{numbers},{dollars},{}", cell(&row.key), cell(&row.label), basis(row.basis))
    }));
    lines
}

/// An amount as a plain decimal number.
fn exact(amount: Money) -> String {
    let nanos = amount.as_nanos();
    let (whole, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    format!("{}{whole}.{rest:09}", if nanos < 0 { "-" } else { "" })
}

/// A text as a cell. One that a spreadsheet would take for a formula begins with a quote.
fn cell(text: &str) -> String {
    let text = safe(text);
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\n']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', ';', '\t', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
