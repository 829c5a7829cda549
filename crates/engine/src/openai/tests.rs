//! Against a server that says exactly what a test has it say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::{EngineKind, EngineSpec, Entry, Error, LeaseId, Money, Seq};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::OpenAi;
use crate::model::{Answer, Block, Heard, Message, Model, ModelError, Request, Speaker, StopReason, ToolSpec};
use crate::voice::Voice;
use crate::{Host, Patience, Question, Usage};

/// A server: one answer after the other, each raw; the bodies of what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn answering(answers: Vec<String>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let body = body(&mut stream).await;
                kept.lock().unwrap().push(body);
                stream.write_all(answer.as_bytes()).await.unwrap();
                // An answer that does not say how long it is ends with the connection, unless it is to hang.
                if answer.ends_with(HANGS) { held.push(stream) } else { drop(stream) }
            }
            std::future::pending::<()>().await;
        });
        Server { port, asked, task }
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    fn client(&self, key: Option<&str>) -> OpenAi {
        OpenAi::open(&spec(&format!("http://127.0.0.1:{}/v1", self.port), key), &patience()).unwrap()
    }
}

/// What an answer ends with that the server does not close.
const HANGS: &str = ":\n\n";

async fn body(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if rest.len() >= length.unwrap() {
                return serde_json::from_str(rest).unwrap();
            }
        }
        let mut more = [0; 4096];
        let read = stream.read(&mut more).await.unwrap();
        assert!(read > 0, "the request broke off");
        bytes.extend_from_slice(&more[..read]);
    }
}

fn patience() -> Patience {
    Patience { first_byte: Duration::from_millis(200), stall: Duration::from_millis(200), ..Patience::default() }
}

fn spec(base: &str, key: Option<&str>) -> EngineSpec {
    EngineSpec {
        kind: EngineKind::OpenaiApi,
        base_url: Some(base.to_owned()),
        api_key: key.map(str::to_owned),
        pace: 1.0,
        agent: String::new(),
        model: Some("local-7b".into()),
        program: None,
        args: Vec::new(),
    }
}

struct Silent(CancellationToken);

#[async_trait]
impl Host for Silent {
    fn emit(&self, _: Entry) -> Result<(), Error> {
        Ok(())
    }
    fn before_effect(&self) -> Result<(), Error> {
        Ok(())
    }
    fn delta(&self, _: &str, _: Option<&str>, _: &str) {}
    fn alive(&self) {}
    fn raw(&self, _: &str) {}
    async fn ready(&self, _: &str, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }
    async fn lease(&self, _: &str, _: Option<&str>, _: &str, _: Money, _: i64) -> Result<Option<LeaseId>, Error> {
        Ok(None)
    }
    async fn lease_return(&self, _: LeaseId) {}
    async fn ask(&self, _: &str, _: Option<&str>, _: Question) -> Result<Option<String>, Error> {
        Ok(None)
    }
    fn follow_ups(&self) -> Vec<(Seq, String)> {
        Vec::new()
    }
    fn stop(&self) -> &CancellationToken {
        &self.0
    }
}

/// Asks once: what came of it, and what it used.
async fn ask(api: &OpenAi, messages: &[Message]) -> (Result<Answer, ModelError>, Option<(String, Usage)>) {
    let tools = [ToolSpec { name: "Read", description: "Reads.".into(), schema: json!({"type": "object"}) }];
    let request = Request {
        role: "ceo",
        model: "local-7b",
        system: "You are the CEO.",
        tools: &tools,
        messages,
        turn: 0,
        max_tokens: 8192,
    };
    let host = Silent(CancellationToken::new());
    let voice = Voice::new(&host, "ceo", None);
    let heard = Heard::new(&voice, None);
    let answer = api.complete(&request, &heard).await;
    (answer, heard.known().0)
}

fn hello() -> Vec<Message> {
    vec![Message::user("Hello")]
}

fn whole(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn events(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

fn code(answer: Result<Answer, ModelError>) -> (String, bool, Option<Duration>) {
    match answer {
        Ok(answer) => panic!("{answer:?}"),
        Err(ModelError::Final(error)) => (error.code.as_str().to_owned(), false, None),
        Err(ModelError::Passing { error, after }) => (error.code.as_str().to_owned(), true, after),
    }
}

const USAGE: &str = r#"{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":40}}"#;

fn used() -> Option<(String, Usage)> {
    Some(("m".to_owned(), Usage { input: 60, output: 7, cache_read: 40, cache_write: 0 }))
}

#[tokio::test]
async fn an_answer_is_read_however_a_server_puts_it() {
    let content = r#"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"}}]}"#;
    let more = r#"{"choices":[{"delta":{"content":" there"},"finish_reason":null}]}"#;
    let stop = r#"{"choices":[{"delta":{"content":null},"finish_reason":"stop"}]}"#;
    let last = format!(r#"{{"choices":[],"usage":{USAGE}}}"#);
    let at_once = format!(
        r#"{{"model":"m","choices":[{{"message":{{"role":"assistant","content":"Hi there"}},"finish_reason":"stop"}}],"usage":{USAGE}}}"#
    );
    let parts = r#"{"model":"m","choices":[{"delta":{"content":[{"type":"text","text":"Hi there"}]},"finish_reason":"stop"}],"usage":"#;
    for (how, answer) in [
        (
            "as the standard has it",
            events(&format!("data: {content}\n\ndata: {more}\n\ndata: {stop}\n\ndata: {last}\n\ndata: [DONE]\n\n")),
        ),
        (
            "no blank after the colon",
            events(&format!("data:{content}\n\ndata:{more}\n\ndata:{stop}\n\ndata:{last}\n\ndata:[DONE]\n\n")),
        ),
        ("no [DONE]", events(&format!("data: {content}\n\ndata: {more}\n\ndata: {stop}\n\ndata: {last}\n\n"))),
        (
            "comments, and lines that end as on Windows",
            events(&format!(
                ": wait\r\n\r\ndata: {content}\r\n\r\n: wait\r\n\r\ndata: {more}\r\n\r\ndata: {stop}\r\n\r\ndata: {last}\r\n\r\n"
            )),
        ),
        (
            "it never closes",
            events(&format!("data: {content}\n\ndata: {more}\n\ndata: {stop}\n\ndata: {last}\n\n{HANGS}")),
        ),
        (
            "usage in the last chunk of words",
            events(&format!(
                "data: {content}\n\ndata: {more}\n\ndata: {}\n\n",
                stop.replacen('{', &format!("{{\"usage\":{USAGE},"), 1)
            )),
        ),
        ("content in parts", events(&format!("data: {parts}{USAGE}}}\n\ndata: [DONE]\n\n"))),
        ("in one piece", whole("200 OK", "application/json", &at_once)),
        ("in one piece, by a wrong name", whole("200 OK", "text/event-stream", &format!("\n {at_once}"))),
        (
            "a stream by a wrong name",
            events(&format!("data: {content}\n\ndata: {more}\n\ndata: {stop}\n\ndata: {last}\n\n"))
                .replace("text/event-stream", "text/plain"),
        ),
    ] {
        let server = Server::answering(vec![answer]).await;
        let (answer, usage) = ask(&server.client(None), &hello()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!((answer.text().as_str(), &answer.stop), ("Hi there", &StopReason::Done), "{how}");
        assert_eq!(usage, used(), "{how}");
    }
}

#[tokio::test]
async fn calls_are_calls_though_the_answer_says_stop() {
    let call = r#"{"choices":[{"delta":{"reasoning":"Hm.","tool_calls":[{"function":{"name":"Read","arguments":{"path":"a"}}}]},"finish_reason":"stop"}]}"#;
    let server = Server::answering(vec![events(&format!("data: {call}\n\ndata: [DONE]\n\n"))]).await;
    let (answer, usage) = ask(&server.client(None), &hello()).await;
    let answer = answer.unwrap();
    assert_eq!(answer.stop, StopReason::Tools);
    let [Block::Thinking { text, .. }, Block::Call { id, name, input }] = &answer.blocks[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((text.as_str(), name.as_str(), input), ("Hm.", "Read", &Ok(json!({"path": "a"}))));
    assert!(!id.is_empty());
    let (_, usage) = usage.expect("a server that counts nothing is guessed at");
    assert!(usage.input > 0 && usage.output > 0, "{usage:?}");
}

#[tokio::test]
async fn a_way_of_thinking_left_in_the_text_is_no_part_of_the_answer() {
    let chunk =
        json!({"choices": [{"delta": {"content": "<think>\nLet me see.\n</think>\n\nYes."}, "finish_reason": "stop"}]});
    let server = Server::answering(vec![events(&format!("data: {chunk}\n\n"))]).await;
    let answer = ask(&server.client(None), &hello()).await.0.unwrap();
    assert_eq!(answer.text(), "Yes.");
}

#[tokio::test]
async fn a_stream_that_breaks_off_may_be_asked_for_again_and_is_charged() {
    let half = events("data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Half of\"}}]}\n\n");
    for broken in [half.clone(), format!("{half}{HANGS}"), format!("{half}data: {{\"choices\n\n")] {
        let server = Server::answering(vec![broken]).await;
        let (answer, usage) = ask(&server.client(None), &hello()).await;
        assert_eq!(code(answer), ("provider.protocol".into(), true, None));
        assert!(usage.is_some_and(|(model, usage)| model == "m" && usage.output > 0));
    }
}

#[tokio::test]
async fn refusals_say_whose_move_it_is() {
    let error = |status: &str, body: &str| whole(status, "application/json", body);
    let wait = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".to_owned();
    let quota = r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    for (answer, expected) in [
        (error("401 Unauthorized", r#"{"error":{"message":"bad key"}}"#), ("provider.auth", false, None)),
        (error("402 Payment Required", "{}"), ("provider.credit", false, None)),
        (error("429 Too Many Requests", quota), ("provider.credit", false, None)),
        (wait, ("provider.rate_limit", true, Some(Duration::from_secs(7)))),
        (error("400 Bad Request", r#"{"error":{"message":"no"}}"#), ("provider.refused", false, None)),
        (error("502 Bad Gateway", "<html>"), ("provider.down", true, None)),
        (error("200 OK", r#"{"error":{"message":"Overloaded","code":529}}"#), ("provider.down", true, None)),
        (events("data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n"), ("provider.rate_limit", true, None)),
        (
            events("event: error\ndata: {\"message\":\"x\",\"type\":\"invalid_api_key\"}\n\n"),
            ("provider.auth", false, None),
        ),
        (events("data: [DONE]\n\n"), ("provider.protocol", true, None)),
        (events(""), ("provider.protocol", true, None)),
    ] {
        let server = Server::answering(vec![answer.clone()]).await;
        let found = code(ask(&server.client(None), &hello()).await.0);
        assert_eq!((found.0.as_str(), found.1, found.2), expected, "{answer}");
    }
}

#[tokio::test]
async fn what_a_server_does_not_take_is_left_out_from_then_on() {
    let refuse = |message: &str, param: &str| {
        let body = json!({"error": {"message": message, "param": param, "type": "invalid_request_error"}});
        whole("400 Bad Request", "application/json", &body.to_string())
    };
    let yes = events("data: {\"choices\":[{\"delta\":{\"content\":\"Yes\"},\"finish_reason\":\"stop\"}]}\n\n");
    let server = Server::answering(vec![
        refuse("Unrecognized request argument supplied: stream_options", ""),
        refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens"),
        refuse("max_completion_tokens is too large: 8192. This model supports at most 4096.", "max_completion_tokens"),
        yes.clone(),
        yes,
    ])
    .await;
    let api = server.client(None);
    for _ in 0..2 {
        assert_eq!(ask(&api, &hello()).await.0.unwrap().text(), "Yes");
    }
    let asked = server.asked();
    assert_eq!((&asked[0]["max_tokens"], &asked[0]["stream_options"]["include_usage"]), (&json!(8192), &json!(true)));
    for body in &asked[3..] {
        let fields = (&body["max_tokens"], &body["max_completion_tokens"], &body["stream_options"]);
        assert_eq!(fields, (&Value::Null, &json!(4096), &Value::Null), "{body}");
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_for_the_model_is_said_to_be() {
    let body = r#"{"error":{"message":"This model's maximum context length is 4096 tokens.","code":"context_length_exceeded"}}"#;
    let server = Server::answering(vec![whole("400 Bad Request", "application/json", body)]).await;
    assert_eq!(ask(&server.client(None), &hello()).await.0.unwrap().stop, StopReason::Full);
}

#[tokio::test]
async fn tools_and_what_they_said_go_out_as_the_standard_has_them() {
    let messages = [
        Message::user("Read a"),
        Message {
            speaker: Speaker::Assistant,
            blocks: vec![
                Block::Thinking { text: "Hm".into(), signature: "s".into() },
                Block::Call { id: "c1".into(), name: "Read".into(), input: Ok(json!({"path": "a"})) },
                Block::Call { id: "c2".into(), name: "Read".into(), input: Err("{\"pa".into()) },
            ],
        },
        Message {
            speaker: Speaker::User,
            blocks: vec![
                Block::Outcome { id: "c1".into(), ok: true, text: "A".into() },
                Block::Outcome { id: "c2".into(), ok: false, text: "no JSON".into() },
                Block::Text("And now?".into()),
            ],
        },
    ];
    let yes = events("data: {\"choices\":[{\"delta\":{\"content\":\"Yes\"},\"finish_reason\":\"stop\"}]}\n\n");
    let server = Server::answering(vec![yes]).await;
    ask(&server.client(None), &messages).await.0.unwrap();
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "Read", "arguments": arguments}});
    assert_eq!(
        server.asked()[0]["messages"],
        json!([
            {"role": "system", "content": "You are the CEO."},
            {"role": "user", "content": "Read a"},
            {"role": "assistant", "content": null, "tool_calls": [call("c1", "{\"path\":\"a\"}"), call("c2", "{}")]},
            {"role": "tool", "tool_call_id": "c1", "content": "A"},
            {"role": "tool", "tool_call_id": "c2", "content": "[failed] no JSON"},
            {"role": "user", "content": "And now?"},
        ])
    );
    assert_eq!(server.asked()[0]["tools"][0]["function"]["name"], "Read");
}

#[tokio::test]
async fn a_key_stays_out_of_what_is_said_and_a_server_of_ones_own_is_free() {
    let chunk = json!({"choices": [{"delta": {"content": "Your key is sk-secret-1."}, "finish_reason": "stop"}]});
    let server = Server::answering(vec![events(&format!("data: {chunk}\n\n"))]).await;
    let api = server.client(Some("sk-secret-1"));
    assert!(api.charges(), "who wants a key wants money");
    assert_eq!(ask(&api, &hello()).await.0.unwrap().text(), "Your key is [key].");
    let own = server.client(None);
    assert!(!own.charges());
    assert_eq!((own.resolve("opus").id, own.resolve("llama4").id), ("local-7b".to_owned(), "llama4".to_owned()));
}

#[test]
fn the_address_is_taken_with_and_without_its_version() {
    for (base, expected) in [
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1/chat/completions"),
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("http://127.0.0.1:1234/v1/chat/completions", "http://127.0.0.1:1234/v1/chat/completions"),
        ("https://x.example/v1beta/openai", "https://x.example/v1beta/openai/chat/completions"),
    ] {
        assert_eq!(super::address(base).unwrap().0.as_str(), expected);
    }
    assert!(super::address("http://192.168.1.5:11434").is_err(), "a key would go out in the clear");
    let opened = |base: &str, model: Option<&str>, key: Option<&str>| {
        let spec = EngineSpec { model: model.map(str::to_owned), ..spec(base, key) };
        OpenAi::open(&spec, &patience()).map(|_| ()).map_err(|error| error.code.as_str().to_owned())
    };
    let here = "http://localhost:11434";
    assert_eq!(opened("https://api.openai.com", Some("gpt-5"), None), Err("key.missing".to_owned()));
    assert_eq!(opened(here, None, None), Err("config.invalid".to_owned()));
    assert_eq!(opened(here, Some("m"), None), Ok(()));
}
