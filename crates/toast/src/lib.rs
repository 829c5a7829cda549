//! One native notification, and what became of it.
