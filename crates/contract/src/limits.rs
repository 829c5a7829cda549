//! Limits that both ends keep.

/// Bytes of a directive, at most. Longer texts belong in a file of the company folder.
pub const MAX_DIRECTIVE_BYTES: usize = 256 * 1024;
/// Bytes of one line on the socket, at most.
pub const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;
/// Rows of one page of a list, at most.
pub const MAX_PAGE: i64 = 500;
/// Bytes of a tool's output that an event keeps.
pub const MAX_EVENT_OUTPUT_BYTES: usize = 8 * 1024;
/// Bytes of a message that an event keeps; more is cut, and says so.
pub const MAX_EVENT_TEXT_BYTES: usize = 256 * 1024;
/// The highest priority of a job; the lowest is as far below zero.
pub const MAX_PRIORITY: i64 = 100;
/// Characters of a job's title.
pub const TITLE_CHARS: usize = 80;
