//! An agent's voice: events and deltas in its name, inside its delegation.

use contract::{Entry, Error, EventBody, Time};

use crate::Host;

/// Speaks for one agent.
pub(crate) struct Voice<'a> {
    host: &'a dyn Host,
    /// The agent's role.
    pub role: &'a str,
    /// The delegation it works in; none at the CEO's level.
    pub span: Option<&'a str>,
    /// Whether what a model says is nobody's message: what it used is still recorded.
    pub is_aside: bool,
}

impl<'a> Voice<'a> {
    /// A voice for `role`.
    pub fn new(host: &'a dyn Host, role: &'a str, span: Option<&'a str>) -> Voice<'a> {
        Voice { host, role, span, is_aside: false }
    }

    /// Records what happened.
    pub fn emit(&self, body: EventBody) -> Result<(), Error> {
        self.host.emit(Entry { at: Time::now(), agent: self.role.into(), parent: self.span.map(Into::into), body })
    }

    /// Passes on a sign of work that is none of these.
    pub fn alive(&self) {
        self.host.alive();
    }

    /// Passes on a piece of a message.
    pub fn delta(&self, text: &str) {
        if self.is_aside {
            self.host.alive();
        } else {
            self.host.delta(self.role, self.span, text);
        }
    }
}
