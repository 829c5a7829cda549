//! The aicib commands: contract calls and their printing.
