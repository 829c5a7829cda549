//! Events by page and by word.

mod support;

use contract::{EventListParams, EventSearchParams, JobId, Seq};
use proptest::prelude::*;
use support::*;

fn list(job: JobId) -> EventListParams {
    EventListParams { job_id: job, after: None, before: None, limit: None }
}

fn find(query: &str) -> EventSearchParams {
    EventSearchParams { query: query.into(), company_id: None, job_id: None, before: None, limit: None }
}

#[test]
fn pages_join_without_gap_or_overlap() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let (_, other) = home.running("bolt");
    for n in 0..20 {
        home.append(run, vec![line(n + 1, entry("ceo", None, n, message(&format!("m{n}"))))]);
        home.append(other, vec![line(n + 1, entry("ceo", None, n, message("elsewhere")))]);
    }
    let id = job.job_id;
    let page = |params: EventListParams| home.read(move |read| read.events(&params));
    let all = page(list(id));
    assert_eq!((all.events.len(), all.more_before, all.more_after), (22, false, false));
    assert!(all.events.is_sorted_by_key(|event| event.seq) && all.events.iter().all(|event| event.job_id == id));

    let mut down = Vec::new();
    let mut before = None;
    loop {
        let part = page(EventListParams { before, limit: Some(5), ..list(id) });
        assert_eq!(part.more_after, before.is_some());
        before = part.events.first().map(|event| event.seq);
        down.splice(0..0, part.events);
        if !part.more_before {
            break;
        }
    }
    assert_eq!(down, all.events);

    let mut up = Vec::new();
    let mut after = Seq(0);
    loop {
        let part = page(EventListParams { after: Some(after), limit: Some(5), ..list(id) });
        assert_eq!(part.more_before, !up.is_empty());
        after = part.events.last().unwrap().seq;
        up.extend(part.events);
        if !part.more_after {
            break;
        }
    }
    assert_eq!(up, all.events);
    for edge in [i64::MIN, -1, 0, i64::MAX] {
        page(EventListParams { after: Some(Seq(edge)), limit: Some(edge), ..list(id) });
        page(EventListParams { before: Some(Seq(edge)), limit: Some(edge), ..list(id) });
    }
    let past = page(EventListParams { after: Some(after), ..list(id) });
    assert_eq!((past.events.len(), past.more_before, past.more_after), (0, true, false));
}

#[test]
fn a_page_of_long_events_fits_a_line() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let text = "long ".repeat(50_000);
    home.append(run, spool((0..20).map(|n| entry("ceo", None, n, message(&text)))));
    let page = home.read(move |read| read.events(&list(job.job_id)));
    assert!(page.more_before && !page.events.is_empty());
    let line = serde_json::to_string(&page).unwrap();
    assert!(line.len() < contract::limits::MAX_LINE_BYTES, "{}", line.len());
}

#[test]
fn search_finds_words_newest_first_within_a_scope() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let (other_job, other) = home.running("bolt");
    for n in 0..6 {
        let said = message(&format!("Revenue of the café grew in week {n}, see docs/plan-{n}.md"));
        home.append(run, vec![line(n + 1, entry("cfo", None, n, said.clone()))]);
        home.append(other, vec![line(n + 1, entry("cmo", None, n, said))]);
    }
    let search = |params: EventSearchParams| home.read(move |read| read.search(&params));
    let hits = search(find("REVENUE cafe")).hits;
    assert_eq!(hits.len(), 12);
    assert!(hits.is_sorted_by_key(|hit| -hit.seq.0));
    assert!(hits[0].snippet.starts_with("Revenue of the café grew"), "{}", hits[0].snippet);
    assert_eq!(hits[0].title, "Write a company description");

    let mine = search(EventSearchParams { job_id: Some(job.job_id), limit: Some(4), ..find("revenue") });
    assert!(mine.hits.len() == 4 && mine.hits.iter().all(|hit| hit.job_id == job.job_id && hit.agent == "cfo"));
    let rest = search(EventSearchParams { job_id: Some(job.job_id), before: mine.next, ..find("revenue") });
    assert_eq!((rest.hits.len(), rest.next), (2, None));
    let of = search(EventSearchParams { company_id: Some(other_job.company_id), ..find("revenue") });
    assert!(of.hits.len() == 6 && of.hits.iter().all(|hit| hit.job_id == other_job.job_id));

    assert_eq!(search(find("docs/plan-3.md")).hits.len(), 2);
    assert_eq!(search(find("revenue nowhere")).hits.len(), 0);
    // The directive is found by the job's first event; the words that keep the scope are not text.
    assert_eq!(search(find("company description")).hits.len(), 2);
    assert_eq!(search(find(&format!("j{}", job.job_id))).hits.len(), 0);
}

#[test]
fn no_query_is_an_error() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    home.append(run, spool([entry("ceo", None, 1, message("He said \"stop*\" (twice), then left\u{0}over"))]));
    let count = |query: &str| {
        let params = find(query);
        home.read(move |read| read.search(&params)).hits.len()
    };
    for nothing in ["", "   ", "\"", "***", "()", "\u{0}", "\u{202e}", "\"\"\"", "AND", "NOT NOT", "zzz:stop"] {
        assert_eq!(count(nothing), 0, "{nothing:?}");
    }
    for hit in ["\"stop*\"", "stop*", "(twice)", "said) OR (stop", "stop\u{0}twice", "^stop", "text:stop", "-stop"] {
        let expected = usize::from(!hit.contains("OR") && !hit.contains("text"));
        assert_eq!(count(hit), expected, "{hit:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_stored_and_any_query_answered(texts in prop::collection::vec(any::<String>(), 1..20)) {
        let home = Home::new();
        let (job, run) = home.running("acme");
        home.append(run, spool(texts.iter().map(|text| entry("ceo", None, 1, message(text)))));
        let page = home.read(move |read| read.events(&list(job.job_id)));
        let back: Vec<_> = page.events.into_iter().filter_map(|event| match event.entry.body {
            contract::EventBody::Message { text } => Some(text),
            _ => None,
        }).collect();
        prop_assert_eq!(&back, &texts);
        for text in texts {
            let params = find(&text);
            home.read(move |read| read.search(&params));
        }
    }
}
