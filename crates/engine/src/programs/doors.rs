//! Where a program finds us: the address of the run's bridge.

/// The way of one conversation to the bridge.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Door {
    /// `http://127.0.0.1:PORT`, without a slash at its end. It is no secret, and may stand in an argument.
    pub base: String,
    /// The port in it: where the network is off, it is still open.
    pub port: u16,
    /// What stands in for a key: it says whose conversation it is, and is worth nothing elsewhere. The program sends it
    /// as `x-api-key` or `Authorization: Bearer`, to our tools as well. By environment or stdin only: any process of
    /// this machine can read arguments.
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

    /// The header that goes with each request to our tools.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("base", &self.base).field("pays", &self.pays).finish_non_exhaustive()
    }
}
