//! Where a program finds us: the address of the run's bridge.

/// The way of one conversation to the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// `http://127.0.0.1:PORT/TOKEN`, without a slash at its end.
    pub base: String,
    /// The port in it: where the network is off, it is still open.
    pub port: u16,
    /// What stands in for a key: it says whose conversation it is, and is worth nothing elsewhere.
    pub token: String,
    /// Whether the model's calls go through it, since we hold the key.
    pub pays: bool,
}

impl Door {
    /// The base URL of the Messages API, as `ANTHROPIC_BASE_URL` has it.
    pub fn anthropic(&self) -> String {
        format!("{}/anthropic", self.base)
    }

    /// The base URL of OpenAI's API, with what stands before `/responses` and `/chat/completions`.
    pub fn openai(&self) -> String {
        format!("{}/openai/v1", self.base)
    }

    /// The address of our tools, as an MCP server over streamable HTTP.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.base)
    }
}
