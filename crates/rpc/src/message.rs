//! The shapes of JSON-RPC 2.0.

use contract::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The line is no JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;
/// The JSON is no request.
pub(crate) const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
/// An error of ours; what it is stands in `data`.
const OURS: i64 = -32000;

/// Who is to be answered: a number, a string, or null.
pub(crate) type Id = Value;

/// What a client sent: one thing, or several in an array.
pub(crate) enum Sent {
    One(Result<Request, Refusal>),
    Batch(Vec<Result<Request, Refusal>>),
    /// Not even JSON, or an empty array.
    Nothing(Refusal),
}

/// A request, or (without an id) a note.
pub(crate) struct Request {
    pub(crate) id: Option<Id>,
    pub(crate) method: String,
    pub(crate) params: Value,
}

/// Why something sent is no request.
pub(crate) struct Refusal {
    pub(crate) id: Id,
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refusal {
    fn invalid(id: Id, message: &str) -> Refusal {
        Refusal { id, code: INVALID_REQUEST, message: message.into() }
    }

    pub(crate) fn line(&self) -> Vec<u8> {
        to_line(&self.value())
    }

    pub(crate) fn value(&self) -> Value {
        let error = Error::new(ErrorCode::BAD_REQUEST, self.message.clone(), "Send JSON-RPC 2.0, one line a message.");
        json!({"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message, "data": error}})
    }
}

/// Reads what a client sent.
pub(crate) fn read(line: &[u8]) -> Sent {
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            let message = format!("The line is not JSON: {error}.");
            return Sent::Nothing(Refusal { id: Value::Null, code: PARSE_ERROR, message });
        }
    };
    match value {
        Value::Array(all) if all.is_empty() => Sent::Nothing(Refusal::invalid(Value::Null, "The batch is empty.")),
        Value::Array(all) => Sent::Batch(all.into_iter().map(request).collect()),
        one => Sent::One(request(one)),
    }
}

fn request(value: Value) -> Result<Request, Refusal> {
    let Value::Object(mut fields) = value else {
        return Err(Refusal::invalid(Value::Null, "A request is a JSON object."));
    };
    let id = match fields.remove("id") {
        Some(id @ (Value::Null | Value::String(_) | Value::Number(_))) => Some(id),
        None => None,
        Some(_) => return Err(Refusal::invalid(Value::Null, "An id is a string or a number.")),
    };
    let answer_to = || id.clone().unwrap_or(Value::Null);
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Refusal::invalid(answer_to(), "A request says \"jsonrpc\": \"2.0\"."));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(Refusal::invalid(answer_to(), "A request names its method."));
    };
    let params = fields.remove("params").unwrap_or(Value::Null);
    if !matches!(params, Value::Null | Value::Object(_) | Value::Array(_)) {
        return Err(Refusal::invalid(answer_to(), "Params are an object."));
    }
    Ok(Request { id, method, params })
}

/// The answer to a request.
pub(crate) fn answer(id: &Id, outcome: &Result<Value, Error>) -> Value {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => {
            let code = if error.code == ErrorCode::METHOD_UNKNOWN {
                METHOD_NOT_FOUND
            } else if error.code == ErrorCode::BAD_REQUEST {
                INVALID_PARAMS
            } else {
                OURS
            };
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": error.to_string(), "data": error}})
        }
    }
}

/// A request or, without an id, a note, as a line.
pub(crate) fn request_line<P: Serialize>(id: Option<u64>, method: &str, params: &P) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Out<'a, P> {
        jsonrpc: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        method: &'a str,
        params: &'a P,
    }
    let mut line = serde_json::to_vec(&Out { jsonrpc: "2.0", id, method, params })?;
    line.push(b'\n');
    Ok(line)
}

/// A message as a line.
pub(crate) fn to_line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// What a server sent: an answer or a note.
#[derive(Deserialize)]
pub(crate) struct FromServer {
    #[serde(default)]
    pub(crate) id: Value,
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Value,
    #[serde(default)]
    pub(crate) result: Value,
    pub(crate) error: Option<WireError>,
}

/// An error on the wire.
#[derive(Deserialize)]
pub(crate) struct WireError {
    code: i64,
    message: String,
    #[serde(default)]
    data: Value,
}

impl From<WireError> for Error {
    /// The error in `data`; for a server that is not ours, its message.
    fn from(wire: WireError) -> Error {
        serde_json::from_value(wire.data).unwrap_or_else(|_| {
            let code = match wire.code {
                METHOD_NOT_FOUND => ErrorCode::METHOD_UNKNOWN,
                PARSE_ERROR | INVALID_REQUEST | INVALID_PARAMS => ErrorCode::BAD_REQUEST,
                _ => ErrorCode::INTERNAL,
            };
            Error::new(code, wire.message, "")
        })
    }
}
