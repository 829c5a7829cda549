//! Connections: who is calling, and what they may call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use contract::methods::{self, Access, Note, RunDelta, RunSpoolGrew};
use contract::{CompanyId, Credential, Error, ErrorCode, InitializeParams, InitializeResult, PROTOCOL, RunId, Time};
use rpc::{Conn, Service};
use serde_json::Value;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::notices;
use crate::runs::{self, token_hash};

/// Subscriptions of one connection, at most.
const MAX_SUBSCRIPTIONS: usize = 64;

/// A connection to the daemon.
pub type Connection = Conn<Session>;

/// What the daemon knows of a connection.
#[derive(Default)]
pub struct Session {
    caller: Mutex<Who>,
    subscriptions: Mutex<HashMap<i64, CancellationToken>>,
    desks: Mutex<HashMap<CompanyId, CancellationToken>>,
    next: AtomicI64,
    /// Cancelled when the connection ends, and all that it subscribed to with it; a call that was under way then may
    /// still subscribe.
    ended: CancellationToken,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody we know: `ping` and `initialize` only.
    #[default]
    Unknown,
    /// The founder, through any client.
    Founder,
    /// The worker of a run.
    Worker(RunId),
}

impl Session {
    /// Who is at the other end.
    pub fn who(&self) -> Who {
        *lock(&self.caller)
    }

    /// Resolves when the connection has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// The run whose worker is at the other end.
    ///
    /// # Errors
    /// For anybody else.
    pub fn run_id(&self) -> Result<RunId, Error> {
        match self.who() {
            Who::Worker(run_id) => Ok(run_id),
            _ => Err(unauthorized("This call is for workers.")),
        }
    }

    /// A new subscription and what ends it.
    ///
    /// # Errors
    /// [`ErrorCode::OVERLOADED`] for one too many.
    pub fn subscribe(&self) -> Result<(i64, CancellationToken), Error> {
        let mut subscriptions = lock(&self.subscriptions);
        subscriptions.retain(|_, token| !token.is_cancelled());
        if subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let what = format!("This connection has {MAX_SUBSCRIPTIONS} subscriptions, as many as there may be.");
            return Err(Error::new(ErrorCode::OVERLOADED, what, "End one with event.unsubscribe."));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let token = self.ended.child_token();
        subscriptions.insert(id, token.clone());
        Ok((id, token))
    }

    /// Ends a subscription, if there is one.
    pub fn unsubscribe(&self, id: i64) {
        if let Some(token) = lock(&self.subscriptions).remove(&id) {
            token.cancel();
        }
    }

    /// What ends the connection's Desk of a company; `None` where it has that Desk already.
    pub fn watch_desk(&self, company_id: CompanyId) -> Option<CancellationToken> {
        let mut desks = lock(&self.desks);
        if desks.contains_key(&company_id) {
            return None;
        }
        let token = self.ended.child_token();
        desks.insert(company_id, token.clone());
        Some(token)
    }
}

/// The daemon as the socket sees it.
pub struct Front(pub App);

impl Service for Front {
    type State = Session;

    fn connected(&self) -> Session {
        Session::default()
    }

    async fn call(self: &Arc<Self>, conn: Arc<Connection>, method: String, params: Value) -> Result<Value, Error> {
        let info = methods::method_info(&method).ok_or_else(|| methods::unknown_method(&method))?;
        let allowed = match info.access {
            Access::Anyone => true,
            Access::Founder => conn.state.who() == Who::Founder,
            Access::Worker => matches!(conn.state.who(), Who::Worker(_)),
        };
        if !allowed {
            return Err(unauthorized("This call needs a credential that this connection did not show."));
        }
        methods::dispatch(self.as_ref(), &conn, &method, params).await
    }

    async fn note(self: &Arc<Self>, conn: Arc<Connection>, method: String, params: Value) {
        let Who::Worker(run_id) = conn.state.who() else { return };
        let app = &self.0;
        match method.as_str() {
            RunSpoolGrew::NAME => match serde_json::from_value(params) {
                Ok(hint) => app.runs.heard(run_id, &hint),
                Err(error) => tracing::warn!(%error, %run_id, "a hint does not read"),
            },
            RunDelta::NAME => match serde_json::from_value::<contract::Delta>(params) {
                // A worker speaks of its own job only.
                Ok(delta) if app.runs.job_of(run_id) == Some(delta.job_id) => app.hub.delta(delta),
                Ok(_) => tracing::warn!(%run_id, "a delta of somebody else's job"),
                Err(error) => tracing::warn!(%error, %run_id, "a delta does not read"),
            },
            _ => tracing::debug!(%run_id, method, "an unknown note"),
        }
    }

    fn disconnected(&self, conn: &Arc<Connection>) {
        conn.state.ended.cancel();
        let left = self.0.desktop.left_by(conn);
        if !left.is_empty() && !self.0.stop.is_cancelled() {
            let app = self.0.clone();
            tokio::spawn(async move { notices::tell_the_rest(&app, left).await });
        }
    }
}

/// Lets a caller in, or says why not.
///
/// # Errors
/// A protocol that we do not speak, or a wrong credential.
pub async fn initialize(
    app: &App,
    conn: &Arc<Connection>,
    params: InitializeParams,
) -> Result<InitializeResult, Error> {
    if params.protocol != PROTOCOL {
        return Err(rpc::other_protocol(PROTOCOL, params.protocol));
    }
    let who = match params.credential {
        None => Who::Unknown,
        Some(Credential::Founder(shown)) if same(shown.as_bytes(), app.credential.as_bytes()) => Who::Founder,
        Some(Credential::Founder(_)) => {
            return Err(unauthorized("The founder's credential is not the one of this home."));
        }
        Some(Credential::Run { run_id, token }) => {
            let wrong = || unauthorized("The token is not the one of a run that is under way.");
            let known = app.store.read(move |db| db.token_hash(run_id)).await;
            // A worker that hears that its token is wrong gives up: a database in trouble is another matter.
            let (known, _) = known.map_err(|error| match error {
                StoreError::NotFound(_) => {
                    tracing::warn!(%run_id, "the worker of a run that is not known, or has ended, was sent away");
                    wrong()
                }
                error => error.into(),
            })?;
            if !same(known.as_bytes(), token_hash(&token).as_bytes()) {
                return Err(wrong());
            }
            Who::Worker(run_id)
        }
    };
    {
        let mut caller = lock(&conn.state.caller);
        if *caller != Who::Unknown && *caller != who {
            return Err(Error::new(
                ErrorCode::BAD_REQUEST,
                "This connection has said already who it is.",
                "Open another connection for somebody else.",
            ));
        }
        *caller = who;
    }
    match who {
        Who::Worker(run_id) => {
            if let Some(run) = app.runs.connected(run_id, conn) {
                tokio::spawn(runs::tell_hold(app.clone(), run.clone()));
                tokio::spawn(runs::tell_rules(app.clone(), run.clone()));
                tokio::spawn(runs::tell_words(app.clone(), run));
            }
        }
        Who::Founder => {
            if let Some(bus) = params.session_bus {
                process::lend_session_bus(&bus);
            }
        }
        Who::Unknown => {}
    }
    tracing::debug!(client = %params.client, ?who, at = Time::now().0, "connected");
    Ok(InitializeResult { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").into(), pid: std::process::id() })
}

fn unauthorized(what: &str) -> Error {
    Error::new(
        ErrorCode::UNAUTHORIZED,
        what,
        "Read the `credential` file of the daemon's home, and name it in `initialize`.",
    )
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_subscribes_while_the_connection_ends_is_not_kept() {
        let session = Session::default();
        let (_, before) = session.subscribe().unwrap();
        session.ended.cancel();
        let (_, after) = session.subscribe().unwrap();
        let desk = session.watch_desk(CompanyId(1)).unwrap();
        assert!(before.is_cancelled() && after.is_cancelled() && desk.is_cancelled());
    }
}
