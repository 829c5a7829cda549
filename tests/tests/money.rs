//! Limits that hold whoever spends at the same time, and costs that add up.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Business, SOON, WORK, nanos, wait_for};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

/// A brief of two calls; the first is a dear one, though no dearer than it may be: $0.205.
fn two_calls() -> Script {
    Script::of([
        Turn::text("I look.").and_tool("List", json!({ "path": "." })).usage(1_000, 8_000, 0, 0),
        Turn::text("Here it is.").usage(1_000, 100, 0, 0),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_briefs_limit_that_is_reached_in_mid_run_waits_is_raised_and_loses_nothing() -> anyhow::Result<()> {
    let provider = Provider::start(two_calls()).await;
    let mut acme = Business::start(&provider).await?;
    let free = acme.submit("Look around", json!({ "max_cost_usd": 0 })).await?;
    let whole = nanos(&acme.daemon.job(free, &["completed"], WORK).await?["cost_usd"]);
    assert_eq!(whole, provider.spent_nanos());

    let limited = acme.submit("Look around again", json!({ "max_cost_usd": 0.35 })).await?;
    let question = acme.question(limited).await?;
    assert_eq!(question["ask"], "limit");
    let text = question["text"].as_str().unwrap_or_default();
    assert!(text.contains("$0.35") && text.contains("brief"), "{text}");
    let waiting = acme.daemon.job(limited, &["waiting"], WORK).await?;
    let spent = nanos(&waiting["cost_usd"]);
    assert!(spent > 0 && spent <= 350_000_000, "{waiting}");
    let go_on = question["options"][0].as_str().unwrap().to_owned();
    assert!(go_on.starts_with("Go on up to $"), "{question}");
    acme.answer(&question, &go_on).await?;
    let done = acme.daemon.job(limited, &["completed"], WORK).await?;
    assert_eq!(nanos(&done["cost_usd"]), whole, "the same work costs the same");
    assert_eq!(format!("Go on up to ${:.2}", done["max_cost_usd"].as_f64().unwrap()), go_on);
    assert_eq!((done["attempts"].as_i64(), provider.requests().len()), (Some(1), 4), "no call was made twice");

    let ended = acme.submit("Look around once more", json!({ "max_cost_usd": 0.35 })).await?;
    let question = acme.question(ended).await?;
    acme.answer(&question, "End").await?;
    let failed = acme.daemon.job(ended, &["failed"], WORK).await?;
    assert_eq!(failed["error"]["code"], "budget.brief_reached", "{failed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_session_and_of_an_agent_are_raised_by_the_answer() -> anyhow::Result<()> {
    for (key, named) in [("settings.cost_limit_session", "session"), ("agents.ceo.cost_limit_daily", "CEO")] {
        let provider = Provider::start(two_calls()).await;
        let mut acme = Business::start(&provider).await?;
        acme.configure(key, "0.35").await?;
        let job = acme.submit("Look around", json!({ "max_cost_usd": 0 })).await?;
        let question = acme.question(job).await.with_context(|| key.to_owned())?;
        let text = question["text"].as_str().unwrap_or_default();
        assert!(text.contains(named) && text.contains("$0.35"), "{text}");
        assert!(question["detail"].as_str().unwrap_or_default().contains(key), "{question}");
        let go_on = question["options"][0].as_str().unwrap().to_owned();
        acme.answer(&question, &go_on).await?;
        acme.daemon.job(job, &["completed"], WORK).await?;
        let company = acme.company();
        let report = acme.daemon.call("cost.report", json!({ "company": company, "by": "agent" })).await?;
        let limit = report["limits"].as_array().unwrap().iter().find(|limit| limit["key"] == key).cloned();
        let limit = limit.unwrap_or_default();
        assert_eq!(format!("Go on up to ${:.2}", limit["limit_usd"].as_f64().unwrap_or_default()), go_on, "{report}");
        // The config is the founder's: an answer does not change it.
        let kept = acme.daemon.call("config.get", json!({ "company": acme.company(), "key": key })).await?;
        assert_eq!(kept["value"], 0.35);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn e026_a_limit_is_warned_of_at_half_and_a_days_limit_is_raised_in_the_config() -> anyhow::Result<()> {
    let provider = Provider::start(two_calls()).await;
    let mut acme = Business::start(&provider).await?;
    acme.configure("settings.cost_limit_daily", "0.35").await?;
    let job = acme.submit("Look around", json!({ "max_cost_usd": 0 })).await?;
    let question = acme.question(job).await?;
    assert_eq!(question["options"], json!(["End"]), "{question}");
    assert!(question["detail"].as_str().unwrap_or_default().contains("settings.cost_limit_daily"), "{question}");
    let warned = |events: &[Value]| {
        let text = |event: &Value| event["text"].as_str().unwrap_or_default().contains("daily cost limit is used to");
        events.iter().filter(|event| event["kind"] == "notice" && text(event)).count()
    };
    assert_eq!(warned(&acme.events(job).await?), 1);
    // Whoever raises it has said all there is to say.
    acme.configure("settings.cost_limit_daily", "50").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    assert_eq!(warned(&acme.events(job).await?), 1, "once");
    let all = acme.daemon.call("question.list", json!({ "job_id": job })).await?;
    assert!(all["questions"][0]["answer"].as_str().unwrap_or_default().contains("room"), "nobody waits: {all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_in_tokens_holds_whatever_they_cost() -> anyhow::Result<()> {
    let provider = Provider::start(two_calls()).await;
    let mut acme = Business::start(&provider).await?;
    acme.configure("settings.token_limit_brief", "18000").await?;
    let job = acme.submit("Look around", json!({ "max_cost_usd": 0 })).await?;
    let question = acme.question(job).await?;
    let text = question["text"].as_str().unwrap_or_default();
    assert!(text.contains("18000") && text.contains("token"), "{text}");
    acme.configure("settings.token_limit_brief", "0").await?;
    acme.daemon.job(job, &["completed"], WORK).await?;
    acme.configure("settings.token_limit_daily", "1000").await?;
    let refused = acme.submit("Look again", json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("budget.daily_reached") && refused.contains("token_limit_daily"), "{refused}");
    assert_eq!(provider.requests().len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_briefs_at_once_cannot_spend_the_same_remainder() -> anyhow::Result<()> {
    const LIMIT: i64 = 700_000_000;
    let answer = Turn::text("Done.").usage(1_000, 6_000, 0, 0);
    let provider = Provider::start(Script::default().when(On::Any, [answer])).await;
    let mut acme = Business::start(&provider).await?;
    let company = acme.company();
    let agents = acme.daemon.call("agent.list", company.clone()).await?;
    let mut roles: Vec<String> =
        agents["agents"].as_array().unwrap().iter().map(|agent| agent["role"].as_str().unwrap().to_owned()).collect();
    roles.retain(|role| role != "ceo");
    roles.truncate(7);
    for role in ["first-new", "second-new", "third-new"] {
        acme.daemon.call("agent.add", json!({ "company": company, "role": role })).await?;
        roles.push(role.to_owned());
    }
    for role in &roles {
        acme.configure(&format!("agents.{role}.model"), "opus").await?;
    }
    acme.configure("settings.cost_limit_daily", "0.7").await?;
    let mut jobs = Vec::new();
    for role in &roles {
        jobs.push(acme.submit("Say something", json!({ "agent": role, "max_cost_usd": 0 })).await?);
    }
    assert_eq!(jobs.len(), 10);
    // Each has either had its call, or was told that it does not fit.
    wait_for("all to have ended or to ask", WORK, async || {
        let mut settled = 0;
        for job in &jobs {
            let state = acme.daemon.call("job.get", json!({ "job_id": job })).await?["state"].clone();
            let asks = acme.daemon.call("question.list", json!({ "job_id": job, "open": true })).await?;
            settled += i32::from(state == "completed" || asks["questions"][0]["ask"] == "limit");
        }
        Ok((settled == 10).then_some(()))
    })
    .await?;
    let spent = provider.spent_nanos();
    assert!(spent > 0 && spent <= LIMIT, "{spent}");
    let desk = acme.daemon.call("desk.get", company.clone()).await?;
    assert_eq!(nanos(&desk["spend"]["today_usd"]), spent);
    assert!(!desk["questions"].as_array().unwrap().is_empty(), "{desk}");

    acme.configure("settings.cost_limit_daily", "50").await?;
    for job in &jobs {
        acme.daemon.job(*job, &["completed"], WORK).await?;
    }
    assert_eq!(provider.requests().len(), 10, "raising the limit lets what waits go on, and no call is made twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_add_up_whatever_they_are_added_up_by() -> anyhow::Result<()> {
    let script = Script::default()
        .when(On::Task("Check the numbers".into()), [Turn::text("They are fine.").usage(321, 45, 6, 7)])
        .when(
            On::Any,
            [
                Turn::tool("delegate", json!({ "to": "cfo", "task": "Check the numbers" })).usage(1_234, 56, 78, 9),
                Turn::text("All is fine.").usage(2_345, 67, 0, 0),
            ],
        );
    let provider = Provider::start(script).await;
    let mut acme = Business::start(&provider).await?;
    let job = acme.submit("Check the company", json!({})).await?;
    let done = acme.daemon.job(job, &["completed"], WORK).await?;
    let spent = provider.spent_nanos();
    assert_eq!(nanos(&done["cost_usd"]), spent);
    let company = acme.company();
    for (by, rows) in [("agent", 2), ("day", 1), ("job", 1), ("session", 1), ("model", 2)] {
        let report = acme.daemon.call("cost.report", json!({ "company": company, "by": by })).await?;
        let of_rows = report["rows"].as_array().unwrap();
        assert!(of_rows.len() >= rows.min(1) && of_rows.len() <= 3, "{by}: {report}");
        assert_eq!(of_rows.iter().map(|row| nanos(&row["cost_usd"])).sum::<i64>(), spent, "{by}: {report}");
        assert_eq!(nanos(&report["total_usd"]), spent, "{by}");
        assert_eq!(report["prices_stale"], false, "{report}");
    }
    let report = acme.daemon.call("cost.report", json!({ "company": company, "by": "agent" })).await?;
    let day = report["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "Day").cloned();
    assert_eq!(day.unwrap_or_default()["band"], "green", "{report}");
    let team = acme.daemon.call("agent.list", company.clone()).await?;
    let today: i64 = team["agents"].as_array().unwrap().iter().map(|agent| nanos(&agent["today_usd"])).sum();
    assert_eq!(today, spent);
    let none = json!({ "company": company, "by": "agent", "since": "2020-01-01", "until": "2020-01-31" });
    assert_eq!(acme.daemon.call("cost.report", none).await?["rows"], json!([]));
    let wrong = acme.daemon.call("cost.report", json!({ "company": company, "by": "agent", "since": "soon" })).await;
    assert!(wrong.is_err());
    // The founder sees it on the Desk within a moment.
    wait_for("today's spend", SOON, async || {
        let desk = acme.daemon.call("desk.get", company.clone()).await?;
        Ok((nanos(&desk["spend"]["today_usd"]) == spent).then_some(()))
    })
    .await
}
