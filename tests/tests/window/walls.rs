//! What a page reaches, and what becomes of what goes wrong in it.

use blackbox::{Desktop, SOON, Start, wait_for};
use serde_json::json;

/// A page can call the daemon and the desktop, and nothing beside them.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_reaches_nothing_but_the_daemon_and_the_desktop() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
    assert_eq!(info["home"], json!(stage.place.home()), "{info}");
    assert_eq!(info["tray"], true, "{info}");
    assert_eq!(info["view"], json!({ "view": "window" }), "{info}");
    assert_eq!(page.call("ping", json!({})).await?.map(|pong| pong["pid"].is_u64()), Ok(true));

    for (method, code) in [
        ("no.such_method", "request.method_unknown"),
        ("native.no_such", "request.method_unknown"),
        ("desktop.attach", "request.method_unknown"),
    ] {
        let error = page.call(method, json!({})).await?.expect_err(method);
        assert_eq!(error["code"], code, "{error}");
        assert!(error["fix"].is_string(), "{error}");
    }
    for url in ["file:///etc/passwd", "javascript:alert(1)"] {
        let error = page.call("native.open_url", json!({ "url": url })).await?.expect_err(url);
        assert_eq!(error["code"], "request.bad");
    }

    // Neither another page nor a script from elsewhere.
    let before = page.run("return location.href").await?;
    page.run("location.href = 'https://example.com/'").await?;
    page.run(
        "const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s)",
    )
    .await?;
    assert_eq!(page.run("return location.href").await?, before);
    assert_eq!(page.run("return window.injected ?? null").await?, serde_json::Value::Null);
    let fetched = page
        .client()
        .execute_async("const done = arguments[0]; fetch('http://127.0.0.1:9/').then(() => done('reached'), (e) => done('refused'))", vec![])
        .await?;
    assert_eq!(fetched, "refused");
    Ok(())
}

/// What goes wrong in a page is in the log, and a daemon that cannot be started is said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_and_a_daemon_that_is_missing_are_told() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { stand_ins: false, ..Start::default() }).await?;
    stage.place.set("AICIB_BIN", "/no/such/aicib");
    let page = stage.open(&[]).await?;
    wait_for("a word about the daemon", SOON, async || {
        let text = page.text().await?;
        Ok((text.contains("Try again") && text.contains("/no/such/aicib")).then_some(()))
    })
    .await?;
    let error = page.call("ping", json!({})).await?.expect_err("there is no daemon");
    assert_eq!(error["code"], "daemon.unreachable", "{error}");

    page.run("setTimeout(() => { throw new Error('the moon is full') })").await?;
    wait_for("the page's error in the log", SOON, async || {
        let log = std::fs::read_to_string(stage.place.home().join("desktop.log"))?;
        Ok(log.contains("the moon is full").then_some(()))
    })
    .await
}
