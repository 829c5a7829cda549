//! `aicib notices` and `aicib storage`.

use contract::{CompanyId, Delivery, JobId, Notice, NoticeId, NoticeKind, NoticePage, NoticeRow, StorageReport, Time};

use super::sample::{NOON, sheet};
use crate::commands::{notice_lines, storage_lines};
use crate::text::columns;

#[test]
fn notices_say_what_became_of_them() {
    let row = |id: i64, title: &str, delivery: Option<Delivery>, seen: bool| NoticeRow {
        notice: Notice {
            notice_id: NoticeId(id),
            job_id: JobId(id * 7),
            company_id: CompanyId(1),
            kind: NoticeKind::Done,
            title: title.into(),
            body: String::new(),
            urgent: false,
            question_id: None,
            decidable: false,
            together: None,
        },
        at: Time(NOON - id * 60_000),
        delivery,
        detail: "no notification service is running".into(),
        seen,
    };
    let notices = vec![
        row(1, "Done: a page", Some(Delivery::Quiet), false),
        row(20, "The CTO asks: which\nof \u{1b}[31mthem?", Some(Delivery::Opened), true),
        row(3, &"Done: long ".repeat(30), Some(Delivery::Failed), false),
        row(4, "Done: another", None, false),
    ];
    let shown = notice_lines(&NoticePage { notices, unseen: 3, next: None }, &sheet());
    assert!(shown.iter().all(|line| columns(line) <= 80 && !line.contains('\u{1b}')), "{shown:#?}");
    assert_eq!(shown[0], "3 notices not seen yet (*)");
    assert_eq!(shown[1], "11:59 * #7    quiet hours                          Done: a page");
    assert!(shown[2].starts_with("11:40   #140  opened "), "{shown:#?}");
    assert!(shown[3].contains("not shown: no notification") && shown[4].contains("on its way"), "{shown:#?}");
}

#[test]
fn storage_is_a_table_with_its_sum() {
    let report = StorageReport {
        home: "/home/me/.local/share/aicib".into(),
        database_bytes: 18_874_368,
        backups_bytes: 1_048_576,
        runs_bytes: 300_000,
        engines_bytes: 0,
        logs_bytes: 4_096,
        free_bytes: Some(12_884_901_888),
        jobs: 12_345,
        events: 1_000_000,
    };
    let shown = storage_lines(&report).join("\n");
    for part in ["/home/me", "database          18 MB", "in all            19 MB  12 GB free", "aicib prune"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
