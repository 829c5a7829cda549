//! Supervisor, queue, budgets, events, handlers, secrets, notices, doctor.
