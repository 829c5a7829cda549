//! Columns to values of the contract, and page sizes.

use contract::limits::MAX_PAGE;
use contract::{JobId, Money, Time};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// Rows that were asked for, within 1 to 500.
pub(crate) fn clamp(asked: i64) -> i64 {
    asked.clamp(1, MAX_PAGE)
}

/// A page's size: what was asked for, within 1 to 500, or `default`.
pub(crate) fn page(asked: Option<i64>, default: i64) -> i64 {
    clamp(asked.unwrap_or(default))
}

/// A column that holds a name (`queued`).
pub(crate) fn named<T>(row: &Row<'_>, column: &str, from_name: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    let name = row.get_ref(index)?.as_str()?;
    from_name(name).ok_or_else(|| unreadable(index, format!("{column} {name:?}")))
}

/// A column that holds JSON, or nothing.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let index = row.as_ref().column_index(column)?;
    let Some(text) = row.get_ref(index)?.as_str_or_null()? else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| unreadable(index, format!("{column}: {error}")))
}

/// What makes a value that does not read an error of the row.
pub(crate) fn unreadable(index: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, what.into())
}

/// A column of nano-dollars.
pub(crate) fn money(row: &Row<'_>, column: &str) -> rusqlite::Result<Money> {
    row.get(column).map(Money::nanos)
}

/// A column of a point in time.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Time> {
    row.get(column).map(Time)
}

/// A column of a point in time, or nothing.
pub(crate) fn maybe_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Time))
}

/// A column of a job, or nothing.
pub(crate) fn maybe_job(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<JobId>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(JobId))
}
