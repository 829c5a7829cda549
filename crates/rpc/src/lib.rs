//! JSON-RPC 2.0 over the local socket: server, client, connect-or-start.
