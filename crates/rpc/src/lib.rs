//! JSON-RPC 2.0 over the local socket, one line a message: server, client, connect-or-start.
//!
//! Everything is bounded: a line, the lines waiting for a reader, the requests in flight, the connections. Whoever
//! can reach the socket is the same user ([`Listener`] sees to that); what a connection may do is the service's to
//! decide, from the credential it shows.

mod client;
mod credential;
mod env;
mod hand_over;
mod home;
mod line;
mod message;
mod outbox;
mod server;
mod start;
mod transport;

pub use client::{Client, Incoming, NoteReceiver, other_protocol};
pub use credential::{ensure_founder_credential, founder_credential};
pub use env::daemon_env;
pub use hand_over::stop_running;
pub use home::{HOME_VAR, Home};
pub use outbox::Full;
pub use server::{Conn, Service, serve};
pub use start::{EXIT_ALREADY_RUNNING, connect_or_start, connect_or_start_and_call, connect_running, last_log_line};
pub use transport::Listener;
