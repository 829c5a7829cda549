//! `aicib notices`: what the founder was told, and what became of it.

use contract::{Delivery, NoticeId, NoticeListParams, NoticePage, NoticeRow, NoticeSeenParams, methods};

use crate::args::NoticesArgs;
use crate::context::{Context, Sheet, line_count, number};
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{columns, count, fit, line, pad, short_clock};

/// Notices shown where no number is given.
const DEFAULT_NOTICES: i64 = 20;

/// Prints notices, newest first.
pub(crate) async fn notices(context: &mut Context, args: NoticesArgs) -> Outcome {
    let wanted = args.lines.as_deref().map(line_count).transpose()?.unwrap_or(DEFAULT_NOTICES);
    let before = args.before.as_deref().map(|typed| number(typed, "--before")).transpose()?.map(NoticeId);
    let daemon = context.daemon().await?;
    let page = read(&daemon, NoticeListParams { before, limit: None }, wanted).await?;
    if args.seen
        && let Some(newest) = page.notices.first()
    {
        let up_to = newest.notice.notice_id;
        daemon.call::<methods::NoticeSeen>(NoticeSeenParams { up_to }).await?;
    }
    if context.out.json {
        return Ok(context.out.value(&page)?);
    }
    if page.notices.is_empty() {
        let none =
            if before.is_some() { "There are no such notices." } else { "There is nothing that you were told yet." };
        return Ok(context.out.line(none)?);
    }
    let sheet = context.sheet();
    for row in notice_lines(&page, &sheet) {
        context.out.line(&row)?;
    }
    if let Some(next) = page.next {
        let more = format!("There are older ones: `aicib notices --before {next}`");
        context.out.line(&sheet.paint.ink(Ink::Dim, &more))?;
    }
    Ok(())
}

/// As many notices as are wanted, from as many pages as that takes.
async fn read(daemon: &Daemon, mut params: NoticeListParams, wanted: i64) -> Result<NoticePage, Failure> {
    let mut all = NoticePage { notices: Vec::new(), unseen: 0, next: None };
    let mut left = wanted;
    while left > 0 {
        params.limit = Some(left.min(contract::limits::MAX_PAGE));
        let page = daemon.call::<methods::NoticeList>(params.clone()).await?;
        left -= i64::try_from(page.notices.len()).unwrap_or(i64::MAX);
        all.notices.extend(page.notices);
        (all.next, params.before, all.unseen) = (page.next, page.next, page.unseen);
        if page.next.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Notices as rows: when, whether it is new, the job, what became of it, and what it said.
pub(crate) fn notice_lines(page: &NoticePage, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let cells = |row: &NoticeRow| {
        let at = short_clock(row.at, clock.now, &clock.zone);
        [at, format!("#{}", row.notice.job_id), became(row)]
    };
    let all: Vec<[String; 3]> = page.notices.iter().map(cells).collect();
    let width = |column: usize| all.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut rows = Vec::new();
    if page.unseen > 0 {
        rows.push(paint.ink(Ink::Bold, &format!("{} not seen yet (*)", count(page.unseen, "notice", "notices"))));
    }
    for (row, cells) in page.notices.iter().zip(&all) {
        let [at, job, became] = [0, 1, 2].map(|column| pad(&cells[column], widths[column]));
        let title = fit(&row.notice.title, sheet.left(widths.iter().sum::<usize>() + 8));
        let mark = if row.seen { " " } else { "*" };
        let title = if row.notice.urgent { paint.ink(Ink::Yellow, &title) } else { title };
        rows.push(format!("{} {mark} {job}  {}  {title}", paint.ink(Ink::Dim, &at), paint.ink(Ink::Dim, &became)));
    }
    rows
}

/// What became of it natively.
fn became(row: &NoticeRow) -> String {
    match row.delivery {
        None => "on its way".to_owned(),
        Some(Delivery::Shown) => "shown".to_owned(),
        Some(Delivery::Seen) => "you were there".to_owned(),
        Some(Delivery::Off) => "switched off".to_owned(),
        Some(Delivery::Quiet) => "quiet hours".to_owned(),
        Some(Delivery::Grouped) => "told with others".to_owned(),
        Some(Delivery::Failed) if row.detail.is_empty() => "not shown".to_owned(),
        Some(Delivery::Failed) => format!("not shown: {}", line(&row.detail, 24)),
        Some(Delivery::Opened) => "opened".to_owned(),
    }
}
