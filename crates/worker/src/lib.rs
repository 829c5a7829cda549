//! Runs one job to its end.
