//! Tools of an MCP server over HTTP.

use serde_json::{Value, json};

use super::tools::{Done, Tool};

/// A server.
#[derive(Clone)]
pub struct Server {
    pub name: String,
    url: String,
    headers: Vec<(String, String)>,
    http: reqwest::Client,
    /// Its tools, by their own names.
    pub tools: Vec<Tool>,
}

impl Server {
    /// Connects, and asks for the tools. None where nobody answers.
    pub async fn connect(name: &str, url: &str, headers: Vec<(String, String)>) -> Option<Server> {
        let http = reqwest::Client::builder().no_proxy().build().ok()?;
        let mut server = Server { name: name.into(), url: url.into(), headers, http, tools: Vec::new() };
        let client = json!({ "name": "scripted-agent", "version": "0" });
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        server.send("initialize", Some(1), hello).await?;
        server.send("notifications/initialized", None, json!({})).await;
        let listed = server.send("tools/list", Some(2), json!({})).await?;
        for tool in listed["result"]["tools"].as_array().into_iter().flatten() {
            server.tools.push(Tool {
                name: tool["name"].as_str()?.to_owned(),
                description: tool["description"].as_str().unwrap_or_default().to_owned(),
                schema: tool["inputSchema"].clone(),
            });
        }
        Some(server)
    }

    /// Calls a tool.
    pub async fn call(&self, name: &str, arguments: &Value) -> Done {
        let params = json!({ "name": name, "arguments": arguments });
        let Some(answer) = self.send("tools/call", Some(3), params).await else {
            return Done::failed("the server does not answer");
        };
        let texts =
            answer["result"]["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
        let text = texts.collect::<Vec<_>>().join("\n");
        match answer["error"]["message"].as_str() {
            Some(error) => Done::failed(error),
            None if answer["result"]["isError"] == true => Done::failed(text),
            None => Done::ok(text),
        }
    }

    async fn send(&self, method: &str, id: Option<u64>, params: Value) -> Option<Value> {
        let mut body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if let Some(id) = id {
            body["id"] = id.into();
        }
        let mut request = self.http.post(&self.url).header("accept", "application/json, text/event-stream");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.json(&body).send().await.ok()?;
        let is_stream = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = response.text().await.ok()?;
        let text = if is_stream { text.lines().find_map(|line| line.strip_prefix("data: "))? } else { &text };
        serde_json::from_str(text).ok()
    }
}
