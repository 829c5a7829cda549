//! Stand-ins for tests: a loopback model provider, temp homes.
