//! How a conversation with an agent begins: versions, what either side can do, a session, its mode and its model.

use std::time::Duration;

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, ClientCapabilities, HttpHeader, Implementation, InitializeRequest, LoadSessionRequest,
    McpServer, McpServerHttp, NewSessionRequest, SetSessionModeRequest,
};
use agent_client_protocol::{JsonRpcRequest, JsonRpcResponse};
use contract::{Error, ErrorCode, Money, NoticeLevel, one_line};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::agents::{AcpAgent, Told};
use super::setup;
use super::talk::AcpTalk;
use crate::bridge::MCP_SERVER;
use crate::programs::jsonrpc::{Message, NoAnswer, Peer, message};
use crate::programs::{Line, NotOpened, Program, Stand, Talk};
use crate::readers::{Acp as AcpReader, Happened, Reader};

/// How long an agent may take to begin: some look up models and start tools first.
const BEGIN: Duration = Duration::from_secs(90);
/// The code of an agent that wants to be logged in first.
const AUTH_REQUIRED: i64 = -32000;

/// Starts the agent, and begins a session or takes one up.
pub(super) async fn open<'a>(agent: &'static AcpAgent, stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
    let program = Program::start(stand, setup::setup(agent, stand)?)?;
    let mut peer = Peer::new(program);
    match begin(&mut peer, agent, stand).await {
        Ok(begun) => Ok(Box::new(AcpTalk::new(peer, begun.reader, begun.session, begun.told, begun.happened))),
        Err(error) => {
            peer.program.close().await;
            Err(error)
        }
    }
}

/// A session, as it has begun.
struct Begun {
    session: String,
    reader: AcpReader,
    /// What is to be said before the first words.
    told: Option<String>,
    happened: Vec<Happened>,
}

async fn begin(peer: &mut Peer<'_>, agent: &AcpAgent, stand: &Stand<'_>) -> Result<Begun, NotOpened> {
    let hello = InitializeRequest::new(ProtocolVersion::V1)
        .client_capabilities(ClientCapabilities::default())
        .client_info(Implementation::new("aicib", env!("CARGO_PKG_VERSION")).title("AICIB".to_owned()));
    let hello = match ask(peer, &hello, |_| {}).await {
        Ok((hello, _)) if hello["protocolVersion"] == json!(ProtocolVersion::V1) => hello,
        Ok(_) => return Err(unsupported(agent).into()),
        Err(why) => return Err(not_begun(peer, agent, "be started", why).await.into()),
    };
    let can: AgentCapabilities = serde_json::from_value(hello["agentCapabilities"].clone()).unwrap_or_default();
    let mut happened = Vec::new();
    let servers = servers(stand, &can);
    if servers.is_empty() && stand.door.is_some() {
        let text = format!("{} takes no tools from us: its agents can neither delegate nor ask.", agent.label);
        happened.push(Happened::Noted { level: NoticeLevel::Warning, text });
    }
    let dir = &stand.brief.company.dir;
    let mut before = None;
    let (session, answer) = match stand.conversation.as_deref() {
        Some(_) if !can.load_session => return Err(NotOpened::Unknown),
        Some(session) => {
            let load = LoadSessionRequest::new(session.to_owned(), dir).mcp_servers(servers).meta(meta(agent, stand));
            // The agent tells all that was said before: only what that had cost is of interest.
            match ask(peer, &load, |line| before = cost(line).or(before)).await {
                Ok((answer, _)) => (session.to_owned(), answer),
                Err(NoAnswer::Fault(fault)) if fault.code != AUTH_REQUIRED => return Err(NotOpened::Unknown),
                Err(why) => return Err(not_begun(peer, agent, "take up a session", why).await.into()),
            }
        }
        None => {
            let new = NewSessionRequest::new(dir).mcp_servers(servers).meta(meta(agent, stand));
            match ask(peer, &new, |_| {}).await {
                Ok((answer, new)) => (new.session_id.to_string(), answer),
                Err(why) => return Err(not_begun(peer, agent, "begin a session", why).await.into()),
            }
        }
    };
    let mut reader = AcpReader::new(before);
    for mut answer in [hello, with_session(answer.clone(), &session)] {
        answer = json!({ "jsonrpc": "2.0", "id": 0, "result": answer });
        happened.extend(reader.line(&answer.to_string()));
    }
    mode(peer, agent, &session, &answer, &mut happened).await;
    model(peer, agent, stand, &session, &answer, &mut happened).await;
    let is_new = stand.conversation.is_none();
    let told = (is_new && agent.told == Told::First && !stand.system.is_empty()).then(|| stand.system.to_owned());
    Ok(Begun { session, reader, told, happened })
}

/// Asks, and reads the answer: as it came, and as the protocol has it.
async fn ask<R: JsonRpcRequest + Serialize>(
    peer: &mut Peer<'_>,
    request: &R,
    heard: impl FnMut(&Line),
) -> Result<(Value, R::Response), NoAnswer> {
    let nonsense = |words: String| NoAnswer::Fault(crate::programs::jsonrpc::Fault { code: 0, words });
    let params = serde_json::to_value(request).map_err(|error| nonsense(error.to_string()))?;
    let answer = peer.call(request.method(), &params, BEGIN, heard).await?;
    let read = R::Response::from_json(request.method(), answer.clone());
    let read =
        read.map_err(|error| nonsense(format!("its answer makes no sense: {}", one_line(&error.message, 200))))?;
    Ok((answer, read))
}

/// Our tools, where the agent takes them over HTTP.
fn servers(stand: &Stand<'_>, can: &AgentCapabilities) -> Vec<McpServer> {
    let door = stand.door.filter(|_| can.mcp_capabilities.http);
    let server = door.map(|door| {
        let header = HttpHeader::new("Authorization", door.authorization());
        McpServer::Http(McpServerHttp::new(MCP_SERVER, door.mcp()).headers(vec![header]))
    });
    server.into_iter().collect()
}

/// What the adapter for Claude takes beside what the protocol has: words that are added to its own instructions, and
/// that no settings of any folder are to be read, since those could allow what nobody was asked about.
fn meta(agent: &AcpAgent, stand: &Stand<'_>) -> Option<Map<String, Value>> {
    if agent.told != Told::ClaudeMeta {
        return None;
    }
    let fields = json!({
        "systemPrompt": { "append": stand.system },
        "claudeCode": { "options": { "settingSources": [] } },
    });
    fields.as_object().cloned()
}

/// Sees to it that the session is in the mode in which the agent asks before it acts.
async fn mode(peer: &mut Peer<'_>, agent: &AcpAgent, session: &str, answer: &Value, happened: &mut Vec<Happened>) {
    let Some(wanted) = agent.asking_mode else { return };
    let modes = &answer["modes"];
    let offers = modes["availableModes"].as_array().into_iter().flatten().any(|mode| mode["id"] == wanted);
    if modes["currentModeId"] == wanted || !offers {
        return;
    }
    let request = SetSessionModeRequest::new(session.to_owned(), wanted.to_owned());
    if let Err(why) = ask(peer, &request, |_| {}).await {
        tracing::debug!(?why, "an agent did not take another mode");
        let text = format!("{} could not be told to ask before it acts.", agent.label);
        happened.push(Happened::Noted { level: NoticeLevel::Warning, text });
    }
}

/// Chooses the session's model, where the agent offers it.
async fn model(
    peer: &mut Peer<'_>,
    agent: &AcpAgent,
    stand: &Stand<'_>,
    session: &str,
    answer: &Value,
    happened: &mut Vec<Happened>,
) {
    // Where the environment or the config says it, it is chosen already.
    let Some(wanted) = stand.model.filter(|_| !agent.is_claude && !stand.door.is_some_and(|door| door.pays)) else {
        return;
    };
    let configs = answer["configOptions"].as_array().into_iter().flatten();
    let config = configs.filter(|config| config["category"] == "model").find_map(|config| {
        let values = config["options"].as_array()?.iter().flat_map(|option| match option["options"].as_array() {
            Some(group) => group.iter().collect(),
            None => vec![option],
        });
        let mut fitting = values.filter_map(|option| option["value"].as_str()).filter(|value| is_model(value, wanted));
        Some((config["id"].as_str()?, fitting.next()?))
    });
    let models = answer["models"]["availableModels"].as_array().into_iter().flatten();
    let listed = models.filter_map(|model| model["modelId"].as_str()).find(|value| is_model(value, wanted));
    let asked = match (config, listed) {
        (Some((config, value)), _) => {
            let params = json!({ "sessionId": session, "configId": config, "value": value });
            peer.call("session/set_config_option", &params, BEGIN, |_| {}).await.is_ok()
        }
        (None, Some(value)) => peer
            .call("session/set_model", &json!({ "sessionId": session, "modelId": value }), BEGIN, |_| {})
            .await
            .is_ok(),
        (None, None) => false,
    };
    if !asked {
        let wanted = one_line(wanted, 80);
        let text = format!("{} does not offer the model {wanted}; it uses its own choice.", agent.label);
        happened.push(Happened::Noted { level: NoticeLevel::Warning, text });
    }
}

/// Whether an agent's name for a model (`openai/gpt-5`) is the one that is wanted.
fn is_model(value: &str, wanted: &str) -> bool {
    value == wanted || value.rsplit_once('/').is_some_and(|(_, name)| name == wanted)
}

fn with_session(mut answer: Value, session: &str) -> Value {
    if !answer.is_object() {
        answer = json!({});
    }
    answer["sessionId"] = json!(session);
    answer
}

/// What a session has cost, where a line says so.
fn cost(line: &Line) -> Option<Money> {
    let Some(Message::Notification { method, params }) = message(line) else { return None };
    let update = &params["update"];
    let cost = &update["cost"];
    let says = method == "session/update" && update["sessionUpdate"] == "usage_update" && cost["currency"] == "USD";
    if says { cost["amount"].as_f64().and_then(Money::dollars) } else { None }
}

fn unsupported(agent: &AcpAgent) -> Error {
    Error::new(
        ErrorCode::ENGINE_UNSUPPORTED,
        format!("{} speaks another version of the Agent Client Protocol.", agent.label),
        "Update it, or AICIB; `aicib doctor` shows the versions.",
    )
}

async fn not_begun(peer: &mut Peer<'_>, agent: &AcpAgent, what: &str, why: NoAnswer) -> Error {
    if let NoAnswer::Fault(fault) = &why
        && (fault.code == AUTH_REQUIRED || fault.words.to_ascii_lowercase().contains("authentication required"))
    {
        let program = agent.programs.first().copied().unwrap_or("the agent");
        return Error::new(
            ErrorCode::ENGINE_LOGIN,
            format!("{} is not logged in.", agent.label),
            format!("Log in with `{program}` in a terminal, then restart the job."),
        );
    }
    peer.not_begun(what, why).await
}
