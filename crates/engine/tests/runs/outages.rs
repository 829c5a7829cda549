//! The Anthropic engine against a provider that refuses, breaks off or is away.

use std::time::Duration;

use contract::{EventBody, Outcome, WaitReason};
use testkit::{Provider, Script, Turn};

use crate::support::{self, Folder, KEY, TestHost, code, impatient, played, run_with};

#[tokio::test]
async fn a_refused_key_ends_the_run_at_once() {
    let words = format!("invalid x-api-key {KEY}");
    let (_f, provider, host, ending) = played(Script::of([Turn::error(401, "authentication_error", &words)])).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "provider.auth"));
    let error = ending.error.unwrap();
    assert!(error.message.contains("[key]") && !error.message.contains(KEY), "{error}");
    assert_eq!(provider.requests().len(), 1);
    assert_eq!(host.cost(), 0);
}

#[tokio::test]
async fn what_the_provider_refuses_is_said_in_its_words() {
    for (turn, expected, words) in [
        (Turn::error(400, "invalid_request_error", "max_tokens: too many"), "provider.refused", "max_tokens: too many"),
        (Turn::error(404, "not_found_error", "model: claude-opus-5-5"), "provider.refused", "claude-opus-5-5"),
        (Turn::error(400, "invalid_request_error", "Your credit balance is too low"), "provider.credit", "credit"),
    ] {
        let (_f, provider, _h, ending) = played(Script::of([turn])).await;
        assert_eq!(code(&ending), expected);
        assert!(ending.error.unwrap().message.contains(words));
        assert_eq!(provider.requests().len(), 1);
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let refusal = Turn::error(429, "rate_limit_error", "slow down").header("retry-after", "0.3");
    let began = std::time::Instant::now();
    let (_f, provider, host, ending) = played(Script::of([refusal, Turn::text("Now.")])).await;
    assert_eq!(ending.answer.as_deref(), Some("Now."));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(host.waits(), [false, true]);
    let reasons = host.bodies().into_iter().find_map(|body| match body {
        EventBody::Waiting { reason, until, detail, .. } => Some((reason, until.is_some(), detail)),
        _ => None,
    });
    let (reason, until, detail) = reasons.unwrap();
    assert!(reason == WaitReason::RateLimit && until && detail.contains("slow down"), "{detail}");
    assert_eq!(host.returned.lock().unwrap().len(), 1, "the refused call's lease came back");
}

#[tokio::test]
async fn a_provider_that_is_down_for_a_while_is_waited_for() {
    let down = [
        Turn::error(529, "overloaded_error", "Overloaded"),
        Turn::error(500, "api_error", "oops"),
        Turn::error(503, "", ""),
        Turn::hang_up(),
        Turn::text("…").fail_after(1, "overloaded_error", "Overloaded"),
        Turn::text("Back."),
    ];
    let (_f, provider, host, ending) = played(Script::of(down)).await;
    assert_eq!(ending.answer.as_deref(), Some("Back."), "{:?}", ending.error);
    assert_eq!(provider.requests().len(), 6);
    assert_eq!(host.waits().iter().filter(|over| !**over).count(), 5);
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn patience_ends() {
    let patience = engine::Patience { outage: Duration::from_millis(200), ..impatient() };
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::made(|_| Turn::error(500, "api_error", "oops"))])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience.clone()).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "provider.down"));
    assert!(provider.requests().len() > 3);

    let gone = Provider::start(Script::default()).await;
    let url = gone.url();
    drop(gone);
    let host = TestHost::new();
    let engine = engine::open_with(support::api(&url), patience.clone()).unwrap();
    let ending = engine.run(&folder.brief("Go"), &host).await;
    host.check();
    assert_eq!(code(&ending), "provider.network", "{:?}", ending.error);
    assert_eq!(host.waits().first(), Some(&false));

    let late = Turn::error(429, "rate_limit_error", "come back tomorrow").header("retry-after", "86400");
    let provider = Provider::start(Script::of([late])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.rate_limit");
    assert!(ending.error.unwrap().message.contains("86400 s"));
}

#[tokio::test]
async fn a_quota_is_waited_for_until_the_time_that_it_names() {
    let patience = engine::Patience { outage: Duration::from_millis(200), ..impatient() };
    let later = |code: u16| Turn::error(code, "rate_limit_error", "out of quota").header("retry-after", "0.7");
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    let provider = Provider::start(Script::of([later(429), later(429), Turn::text("At last.")])).await;
    let began = std::time::Instant::now();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience.clone()).await;
    assert_eq!(ending.answer.as_deref(), Some("At last."), "{:?}", ending.error);
    assert!(began.elapsed() >= Duration::from_millis(1_300), "{:?}", began.elapsed());
    let waits: Vec<_> = host
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.body {
            EventBody::Waiting { reason, until, over: false, .. } => Some((reason, until.unwrap().0 - entry.at.0)),
            _ => None,
        })
        .collect();
    assert!(waits.iter().all(|(reason, left)| *reason == WaitReason::Quota && *left >= 600), "{waits:?}");
    assert_eq!((waits.len(), host.waits()), (2, vec![false, false, true]));
    assert_eq!(host.asked.lock().unwrap().len(), 4, "each call, and the entry's, waits until the run may go on");
    assert_eq!(host.cost(), provider.spent_nanos());

    // What is down is not waited for so long, whatever time it names.
    let down = later(529);
    let (provider, host) = (Provider::start(Script::of([down])).await, TestHost::new());
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.down");
}

#[tokio::test]
async fn a_cancel_ends_the_wait_for_a_quota_at_once() {
    let patience = engine::Patience { outage: Duration::from_millis(200), ..impatient() };
    let later = Turn::error(429, "rate_limit_error", "out of quota").header("retry-after", "50");
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    let provider = Provider::start(Script::of([later])).await;
    let stopping = async {
        assert!(testkit::wait_for(Duration::from_secs(10), || host.waits() == [false]).await);
        host.stop.cancel();
        std::time::Instant::now()
    };
    let brief = folder.brief("Go");
    let (ending, stopped) = tokio::join!(run_with(&provider, &brief, &host, patience), stopping);
    assert!(stopped.elapsed() < Duration::from_secs(2));
    assert_eq!((ending.outcome, host.waits()), (Outcome::Cancelled, vec![false, true]));
}

#[tokio::test]
async fn a_stream_that_stops_in_mid_word_is_asked_again_and_both_are_charged() {
    let cut = Turn::text("It breaks off in the middle of a word").usage(1_000, 500, 0, 0).cut_after(6);
    let (_f, provider, host, ending) = played(Script::of([cut, Turn::text("Whole.").usage(1_000, 5, 0, 0)])).await;
    assert_eq!(ending.answer.as_deref(), Some("Whole."));
    assert_eq!(host.messages(), ["Whole."], "half an answer is no message");
    let usages = host.kinds().into_iter().filter(|kind| *kind == "usage").count();
    assert_eq!(usages, 3, "and the journal's");
    assert_eq!(host.cost(), 2 * 1_000 * 5_000 + 25_000 + 5 * 25_000);
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn an_answer_that_keeps_breaking_off_is_given_up() {
    let (_f, provider, host, ending) =
        played(Script::of([Turn::made(|_| Turn::text("Never whole, never whole").cut_after(4))])).await;
    assert_eq!(code(&ending), "provider.protocol");
    assert_eq!(provider.requests().len(), 4, "three may break off");
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn a_stall_counts_as_a_cut_and_a_slow_stream_does_not() {
    let script = Script::of([
        Turn::text("Silent").stall_after(3),
        Turn::text("Late").before(Duration::from_secs(5)),
        Turn::text("Slow but steady, word by word").between(Duration::from_millis(60)),
    ]);
    let (_f, provider, _h, ending) = played(script).await;
    assert_eq!(ending.answer.as_deref(), Some("Slow but steady, word by word"));
    assert_eq!(provider.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_whose_last_event_is_missing_is_whole() {
    // Six events: start, ping, block start, one delta, block stop, message delta.
    let (_f, provider, host, ending) = played(Script::of([Turn::text("A").cut_after(6)])).await;
    assert_eq!(ending.answer.as_deref(), Some("A"));
    assert_eq!((provider.requests().len(), host.cost()), (1, provider.spent_nanos()));
}

#[tokio::test]
async fn a_hostile_stream_does_not_fill_the_memory() {
    let huge = "x".repeat(12 * 1024 * 1024);
    let patience = engine::Patience { cuts: 0, first_byte: Duration::from_secs(15), ..impatient() };
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::text(huge)])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(code(&ending), "provider.protocol", "{:?}", ending.error);
}

#[tokio::test]
async fn an_answer_of_many_parts_stays_within_a_line_of_the_spool() {
    // The worst there is: each of these takes six bytes in JSON.
    let part = || Turn::text("\u{1}".repeat(256 * 1024)).stop_reason("max_tokens");
    let script = Script::of([vec![part(); 8], vec![Turn::text("\u{1}".repeat(256 * 1024))]].concat());
    let (_f, provider, _h, ending) = played(script).await;
    let of_the_work = provider.requests().iter().filter(|request| !request.tools().is_empty()).count();
    assert_eq!((ending.outcome, of_the_work), (Outcome::Completed, 9), "{:?}", ending.error);
    let line = serde_json::to_string(&ending.answer).unwrap();
    assert!(line.len() > 4 * 1024 * 1024 && line.len() < 7 * 1024 * 1024, "{}", line.len());
}

#[tokio::test]
async fn a_line_of_five_megabytes_is_not_waited_for() {
    let line = || Turn::text("It begins").usage(1_000, 5, 0, 0).long_line_after(3, 5 * 1024 * 1024);
    let patience = engine::Patience { stall: Duration::from_secs(15), ..impatient() };
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([line(), Turn::text("Whole.")])).await;
    let host = TestHost::new();
    let ending = run_with(&provider, &folder.brief("Go"), &host, patience).await;
    assert_eq!(ending.answer.as_deref(), Some("Whole."), "{:?}", ending.error);
    assert_eq!(host.cost(), provider.spent_nanos(), "what had begun was charged");
}

#[tokio::test]
async fn an_address_that_is_none_and_a_missing_key_are_said() {
    let mut spec = support::api("http://example.com");
    assert_eq!(engine::open(spec.clone()).err().unwrap().code.as_str(), "config.invalid");
    spec.base_url = None;
    spec.api_key = Some("  ".into());
    assert_eq!(engine::open(spec).err().unwrap().code.as_str(), "key.missing");
}
