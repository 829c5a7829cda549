//! Programs at the bridge: what they get, and what they do not.

use std::time::Duration;

use contract::{CostBasis, EngineKind, EngineSpec, Error, ErrorCode, LeaseId, Money};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::*;
use crate::tools::Tool;

const KEY: &str = "sk-planted-key-0123456789";
const MODEL: &str = "claude-opus-5-5";
/// Nothing here takes that long.
const SOON: Duration = Duration::from_secs(10);

fn spec(kind: EngineKind, base_url: &str, key: Option<&str>) -> EngineSpec {
    EngineSpec {
        kind,
        base_url: Some(base_url.to_owned()),
        api_key: key.map(str::to_owned),
        pace: 1.0,
        agent: String::new(),
        model: None,
        program: None,
        args: Vec::new(),
    }
}

/// A seat, what comes out of it, and a client that has its token.
struct Table {
    /// Closes its port when it goes.
    _bridge: Bridge,
    seat: Seat,
    calls: mpsc::Receiver<BridgeCall>,
    client: Client,
}

impl Table {
    async fn lay(kind: EngineKind, provider: &str) -> Table {
        Table::of(&spec(kind, provider, Some(KEY))).await
    }

    async fn of(spec: &EngineSpec) -> Table {
        let patience =
            Patience { first_byte: Duration::from_secs(5), stall: Duration::from_millis(300), ..Patience::default() };
        let bridge = Bridge::start(&patience).await.unwrap();
        let tools = vec![Tool::Delegate.spec(&[("cto", "Chief")]), Tool::AskFounder.spec(&[])];
        let (seat, calls) = bridge.seat(spec, &Prices::default(), tools).unwrap();
        Table { _bridge: bridge, seat, calls, client: Client::builder().no_proxy().build().unwrap() }
    }

    fn messages(&self) -> RequestBuilder {
        let url = format!("{}/v1/messages?beta=true", self.seat.door.anthropic());
        self.client.post(url).header("x-api-key", &self.seat.door.token).json(&json!({
            "model": MODEL, "max_tokens": 1000, "stream": true,
            "messages": [{ "role": "user", "content": "Hello" }],
        }))
    }

    fn mcp(&self, method: &str, params: Value) -> RequestBuilder {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let request = self.client.post(self.seat.door.mcp()).header("authorization", self.seat.door.authorization());
        request.header("accept", "application/json").json(&message)
    }

    async fn call(&mut self) -> BridgeCall {
        timeout(SOON, self.calls.recv()).await.expect("a call comes in time").expect("the seat is there")
    }

    /// Grants the lease that is asked for, and says what it was for.
    async fn grant(&mut self) -> (String, Money, i64) {
        match self.call().await {
            BridgeCall::Lease { model, worst, tokens, reply } => {
                reply.send(Ok(Some(LeaseId(5)))).unwrap();
                (model, worst, tokens)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn used(&mut self) -> Metered {
        match self.call().await {
            BridgeCall::Used(metered) => metered,
            other => panic!("{other:?}"),
        }
    }
}

fn send(request: RequestBuilder) -> tokio::task::JoinHandle<Response> {
    tokio::spawn(async move { timeout(SOON, request.send()).await.unwrap().unwrap() })
}

/// Reads until the first event is whole: what it used is known then.
async fn begun(response: &mut Response) {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("\n\n") {
        text.extend(timeout(SOON, response.chunk()).await.unwrap().unwrap().expect("it goes on"));
    }
}

async fn value(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_is_leased_passed_on_with_the_key_and_metered() {
    let provider = Provider::start(Script::of([Turn::text("Hello back").usage(40, 20, 300, 0)])).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    let (model, worst, tokens) = table.grant().await;
    assert_eq!((model.as_str(), worst > Money::ZERO, tokens > 1000), (MODEL, true, true));
    let text = sent.await.unwrap().text().await.unwrap();
    assert!(text.contains("message_stop"), "{text}");
    let metered = table.used().await;
    let usage = Usage { input: 40, output: 20, cache_read: 300, cache_write: 0 };
    assert_eq!((metered.usage, metered.lease, metered.model.as_str()), (usage, Some(LeaseId(5)), MODEL));
    assert_eq!((metered.cost.as_nanos(), metered.basis), (provider.spent_nanos(), CostBasis::Estimated));
    let requests = provider.requests();
    assert_eq!(requests[0].header("x-api-key"), Some(KEY), "the provider gets the key");
    let all = format!("{:?}", requests[0]);
    assert!(!all.contains(&table.seat.door.token), "and not the token: {all}");
}

#[tokio::test]
async fn the_key_never_comes_back() {
    let script = [
        Turn::text("Hello").model(KEY),
        Turn::error(401, "authentication_error", &format!("{KEY} is no key")).header("request-id", KEY),
    ];
    let provider = Provider::start(Script::of(script)).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    table.grant().await;
    let text = sent.await.unwrap().text().await.unwrap();
    assert!(text.contains("[key]") && !text.contains(KEY), "{text}");
    table.used().await;
    let sent = send(table.messages());
    table.grant().await;
    match table.call().await {
        BridgeCall::Refused { error, .. } => {
            assert_eq!(error.code, ErrorCode::PROVIDER_AUTH);
            assert!(!error.message.contains(KEY), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(table.call().await, BridgeCall::Unused(LeaseId(5))));
    let response = sent.await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("request-id")), (401, None));
    let text = response.text().await.unwrap();
    assert!(text.contains("[key]") && !text.contains(KEY), "{text}");
}

#[tokio::test]
async fn a_call_without_a_lease_is_not_made_and_not_tried_again() {
    let provider = Provider::start(Script::of([Turn::text("Never said")])).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    match table.call().await {
        BridgeCall::Lease { reply, .. } => {
            let error = Error::new(ErrorCode::BUDGET_DAILY, "Today's limit of $5.00 is reached.", "Raise it.");
            reply.send(Err(error)).unwrap();
        }
        other => panic!("{other:?}"),
    }
    let response = sent.await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-should-retry"], "false");
    let answer = value(response).await;
    assert_eq!(answer["error"]["type"], "invalid_request_error");
    assert_eq!(answer["error"]["message"], "Today's limit of $5.00 is reached. Raise it.");
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn a_cut_answer_is_charged_as_far_as_it_came() {
    let provider = Provider::start(Script::of([Turn::text("Half of").usage(40, 20, 0, 0).cut_after(3)])).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    table.grant().await;
    let body = sent.await.unwrap().text().await;
    assert!(body.is_err(), "the program sees that it broke off");
    let metered = table.used().await;
    assert_eq!((metered.usage.input, metered.cost.as_nanos()), (40, provider.spent_nanos()));
    match table.call().await {
        BridgeCall::Refused { error, .. } => assert_eq!(error.code, ErrorCode::PROVIDER_PROTOCOL),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_that_leaves_in_mid_answer_has_used_what_it_used() {
    let provider = Provider::start(Script::of([Turn::text("On and on").usage(40, 20, 0, 0).stall_after(3)])).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    table.grant().await;
    let mut response = sent.await.unwrap();
    begun(&mut response).await;
    drop(response);
    assert_eq!(table.used().await.usage.input, 40);
}

#[tokio::test]
async fn a_silent_provider_is_given_up() {
    let provider = Provider::start(Script::of([Turn::text("…").stall_after(2)])).await;
    let mut table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let sent = send(table.messages());
    table.grant().await;
    assert!(sent.await.unwrap().text().await.is_err());
    table.used().await;
    assert!(matches!(table.call().await, BridgeCall::Refused { error, .. } if error.message.contains("silent")));
}

#[tokio::test]
async fn a_seat_that_is_given_up_settles_and_is_worth_nothing_after() {
    let provider = Provider::start(Script::of([Turn::text("On and on").usage(40, 20, 0, 0).stall_after(3)])).await;
    let table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let again = table.messages();
    let sent = send(table.messages());
    let Table { _bridge: bridge, seat, mut calls, .. } = table;
    match timeout(SOON, calls.recv()).await.unwrap().unwrap() {
        BridgeCall::Lease { reply, .. } => reply.send(Ok(Some(LeaseId(5)))).unwrap(),
        other => panic!("{other:?}"),
    }
    let mut response = sent.await.unwrap();
    begun(&mut response).await;
    drop(seat);
    let used = timeout(SOON, calls.recv()).await.unwrap().unwrap();
    assert!(matches!(used, BridgeCall::Used(metered) if metered.usage.input == 40));
    assert_eq!(send(again).await.unwrap().status(), 401);
    bridge.close().await;
}

#[tokio::test]
async fn strangers_are_refused() {
    let provider = Provider::start(Script::of([])).await;
    let table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let status = |request: RequestBuilder| async { send(request).await.unwrap().status().as_u16() };
    let url = format!("{}/v1/messages", table.seat.door.anthropic());
    let body = json!({ "model": MODEL });
    assert_eq!(status(table.client.post(&url).json(&body)).await, 401, "without a token");
    assert_eq!(status(table.client.post(&url).header("x-api-key", "at-00").json(&body)).await, 401, "with another");
    assert_eq!(status(table.client.post(table.seat.door.mcp()).json(&body)).await, 401);
    let page = table.messages().header("origin", "https://example.com");
    assert_eq!(status(page).await, 403, "a page in a browser");
    let renamed = table.messages().header("host", "rebound.example.com");
    assert_eq!(status(renamed).await, 403, "an address that was turned to us");
    let token = &table.seat.door.token;
    for path in ["/anthropic/v1/files", "/anthropic/v1/organizations", "/openai/v1/files", "/", "/mcp/x"] {
        let request = table.client.post(format!("{}{path}", table.seat.door.base)).bearer_auth(token);
        assert_eq!(status(request).await, 404, "{path}");
    }
    let other = table.client.post(format!("{}/responses", table.seat.door.openai())).bearer_auth(token).json(&body);
    assert_eq!(status(other).await, 403, "a provider that we have no key for");
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn a_program_with_its_own_login_gets_tools_and_no_model() {
    let table = Table::of(&spec(EngineKind::ClaudeCode, "https://api.anthropic.com", None)).await;
    assert!(!table.seat.door.pays);
    assert_eq!(send(table.messages()).await.unwrap().status(), 403);
    let listed = value(send(table.mcp("tools/list", json!({}))).await.unwrap()).await;
    assert_eq!(listed["result"]["tools"][0]["name"], "delegate");
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let provider = Provider::start(Script::of([])).await;
    let table = Table::lay(EngineKind::ClaudeCode, &provider.url()).await;
    let long = vec![b' '; 33 * 1024 * 1024];
    let url = format!("{}/v1/messages", table.seat.door.anthropic());
    let sent = table.client.post(url).header("x-api-key", &table.seat.door.token).body(long).send().await;
    // The answer may come before all is sent, and the connection goes with it.
    assert!(sent.is_err() || sent.is_ok_and(|response| response.status() == 413));
    let long = table.mcp("tools/call", json!({ "x": " ".repeat(2 * 1024 * 1024) })).send().await;
    assert!(long.is_err() || long.is_ok_and(|response| response.status() == 413));
}

#[tokio::test]
async fn openais_apis_go_through_as_well() {
    let turns = || [Turn::text("Hello").usage(40, 20, 60, 0), Turn::text("Hello").usage(40, 20, 60, 0)];
    let provider = Provider::start(Script::of(turns())).await;
    let mut table = Table::lay(EngineKind::Codex, &format!("{}/v1", provider.url())).await;
    for path in ["responses", "chat/completions"] {
        let body = json!({
            "model": "some-model", "stream": true,
            "input": [{ "type": "message", "role": "user", "content": "Hi" }],
            "messages": [{ "role": "user", "content": "Hi" }],
            "tools": [{ "type": "function", "name": "x", "function": { "name": "x" } }],
        });
        let url = format!("{}/{path}", table.seat.door.openai());
        let sent = send(table.client.post(url).bearer_auth(&table.seat.door.token).json(&body));
        let (model, worst, _) = table.grant().await;
        assert_eq!((model.as_str(), worst), ("some-model", Money::ZERO), "nobody has a price for it");
        let response = sent.await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap();
        let metered = table.used().await;
        let usage = Usage { input: 40, output: 20, cache_read: 60, cache_write: 0 };
        assert_eq!((metered.usage, metered.basis), (usage, CostBasis::Free), "{path}");
    }
    let keys: Vec<_> =
        provider.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, [Some(format!("Bearer {KEY}")), Some(format!("Bearer {KEY}"))]);
}

#[tokio::test]
async fn tools_are_called_and_answered() {
    let mut table = Table::of(&spec(EngineKind::Codex, "https://api.openai.com/v1", None)).await;
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x" } });
    let hello = value(send(table.mcp("initialize", hello)).await.unwrap()).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
    assert_eq!((&hello["id"], &hello["result"]["serverInfo"]["name"]), (&json!(7), &json!(MCP_SERVER)));
    let unknown = value(send(table.mcp("tools/call", json!({ "name": "rm" }))).await.unwrap()).await;
    assert_eq!(unknown["error"]["code"], -32602);
    let input = json!({ "to": "cto", "task": "Build it" });
    let sent = send(table.mcp("tools/call", json!({ "name": "delegate", "arguments": input })));
    match table.call().await {
        BridgeCall::Tool { name, input: given, reply } => {
            assert_eq!((name.as_str(), given), ("delegate", input));
            reply.send(ToolReply { ok: true, text: "It is built.".into() }).unwrap();
        }
        other => panic!("{other:?}"),
    }
    let answer = value(sent.await.unwrap()).await;
    assert_eq!(answer["result"], json!({ "content": [{ "type": "text", "text": "It is built." }], "isError": false }));
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let told =
        table.client.post(table.seat.door.mcp()).header("authorization", table.seat.door.authorization()).json(&told);
    assert_eq!(send(told).await.unwrap().status(), 202);
    let listens = table.client.get(table.seat.door.mcp()).header("authorization", table.seat.door.authorization());
    assert_eq!(send(listens).await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_call_that_takes_long_begins_its_answer_at_once() {
    let mut table = Table::of(&spec(EngineKind::Codex, "https://api.openai.com/v1", None)).await;
    let call = table.mcp("tools/call", json!({ "name": "delegate", "arguments": {} }));
    let sent = send(call.header("accept", "text/event-stream"));
    let BridgeCall::Tool { reply, .. } = table.call().await else { panic!("a tool is called") };
    let mut response = sent.await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(timeout(SOON, response.chunk()).await.unwrap().unwrap().is_some(), "before there is an answer");
    reply.send(ToolReply { ok: false, text: "No".into() }).unwrap();
    let rest = timeout(SOON, response.text()).await.unwrap().unwrap();
    assert!(rest.contains(r#""isError":true"#), "{rest}");
}

#[tokio::test]
async fn who_works_is_told_that_nobody_waits() {
    let mut table = Table::of(&spec(EngineKind::Codex, "https://api.openai.com/v1", None)).await;
    let sent = send(table.mcp("tools/call", json!({ "name": "delegate", "arguments": {} })));
    let BridgeCall::Tool { mut reply, .. } = table.call().await else { panic!("a tool is called") };
    sent.abort();
    timeout(SOON, closed(&mut reply)).await.expect("the program's leaving is seen");
}

async fn closed(reply: &mut oneshot::Sender<ToolReply>) {
    reply.closed().await;
}

#[tokio::test]
async fn a_tool_that_nobody_serves_fails() {
    let table = Table::of(&spec(EngineKind::Codex, "https://api.openai.com/v1", None)).await;
    let request = table.mcp("tools/call", json!({ "name": "delegate", "arguments": {} }));
    let Table { _bridge, seat: _seat, calls, .. } = table;
    drop(calls);
    let answer = value(send(request).await.unwrap()).await;
    assert_eq!(answer["result"]["isError"], true);
}
