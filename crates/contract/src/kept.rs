//! What a run keeps of the files that it changes, in its own folder: what they were before, and what it left.

use serde::{Deserialize, Serialize};

/// The folder of what files were before the run, inside the run's.
pub const KEPT_BEFORE: &str = "before";
/// The folder of what the run left, inside the run's.
pub const KEPT_AFTER: &str = "after";
/// The list in each of them: a [`Kept`] a line. The first line of a path counts.
pub const KEPT_LIST: &str = "list.jsonl";
/// Bytes of a file that is kept, at most.
pub const KEPT_MOST_BYTES: u64 = 1024 * 1024;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The file's path inside the company's folder, with `/`.
    pub path: String,
    /// Whether its content is kept.
    pub state: KeptState,
    /// The file beside the list that holds its content, where that is kept: digits and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Whether a file's content is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptState {
    /// There was no such file.
    Absent,
    /// It is.
    Kept,
    /// It was too large, or too much was kept already.
    TooLarge,
    /// It was no text.
    Binary,
}
