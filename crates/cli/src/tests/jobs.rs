//! `aicib jobs` and `aicib session list`.

use contract::{Company, CompanyId, CostBasis, Job, JobState, Money, Progress, Session, SessionId, Time};

use super::sample::{NOON, company, desk, job, sheet};
use crate::commands::{job_table, session_rows};
use crate::text::columns;

fn several() -> Vec<Job> {
    let day = 86_400_000;
    vec![
        Job {
            progress: Some(Progress { done: 3, total: 5, percent: 60, note: String::new() }),
            cost_usd: Money::nanos(74_600_000),
            cost_basis: CostBasis::Unknown,
            title: "公司简介和产品说明".repeat(5),
            ..job(1_212, JobState::Running)
        },
        Job { started_at: None, held: true, ..job(1_211, JobState::Queued) },
        Job {
            created_at: Time(NOON - day),
            started_at: Some(Time(NOON - day)),
            finished_at: Some(Time(NOON - day + 7_800_000)),
            cost_usd: Money::nanos(12_500_000_000),
            ..job(40, JobState::Completed)
        },
        Job {
            created_at: Time(NOON - 400 * day), title: "כתוב תיאור של החברה".into(), ..job(7, JobState::Failed)
        },
    ]
}

#[test]
fn jobs_are_a_table() {
    insta::assert_snapshot!(job_table(&several(), &[], &sheet()).join("\n"));
    assert!(job_table(&[], &[], &sheet()).is_empty());
}

#[test]
fn jobs_of_several_companies_say_whose_they_are() {
    let mut jobs = several();
    jobs[1].company_id = CompanyId(2);
    jobs[2].company_id = CompanyId(3);
    let other = Company { company_id: CompanyId(2), name: "Великая компания".into(), ..company() };
    let rows = job_table(&jobs, &[company(), other], &sheet());
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn a_row_keeps_to_its_line_whatever_the_title() {
    for width in [40, 80, 120] {
        let mut sheet = sheet();
        sheet.columns = width;
        for title in ["公司".repeat(60), "👩‍💻🇩🇪".repeat(40), "x".repeat(200), "שלום ".repeat(40)] {
            let jobs: Vec<Job> = several().into_iter().map(|job| Job { title: title.clone(), ..job }).collect();
            for row in job_table(&jobs, &[], &sheet) {
                assert!(columns(&row) <= width.max(64), "{} of {width}: {row}", columns(&row));
            }
        }
    }
}

#[test]
fn sessions_are_a_table() {
    let open = desk().session.unwrap();
    let closed = Session {
        session_id: SessionId(2),
        opened_at: Time(NOON - 200_000_000),
        closed_at: Some(Time(NOON - 100_000_000)),
        jobs: 112,
        latest: "Plan the launch of everything that we have ever wanted to launch, and more".into(),
        ..open.clone()
    };
    let rows = session_rows(&[open, closed], &sheet());
    assert!(rows.iter().all(|row| columns(row) <= 80));
    insta::assert_snapshot!(rows.join("\n"));
}
