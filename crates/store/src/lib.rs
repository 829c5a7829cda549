//! SQLite: the only crate with SQL.
