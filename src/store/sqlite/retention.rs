//! Retention: deletes the oldest days of keys.
//!
//! Called by the maintenance of a server. The totals of keys, and the totals and days of organizations, stay.

use rusqlite::{OptionalExtension, Savepoint, params};

use crate::{
    model::{Day, KeyId},
    store::Error,
};

/// The first row that a portion keeps, if there are more rows than a portion.
pub(super) const FIRST_KEPT: &str = "
    SELECT day,
           key_id
      FROM key_daily_usage
     WHERE day < ?1
     ORDER BY day, key_id
     LIMIT 1
    OFFSET ?2";

pub(super) const DELETE_BEFORE: &str = "
    DELETE FROM key_daily_usage
     WHERE (day, key_id) < (?1, ?2)";

/// The number of rows of a portion: few enough to delay a commit by milliseconds only.
const PORTION: u32 = 1000;

/// Deletes the oldest days of keys before `first_kept`, by one portion. Returns whether more remain.
pub(in crate::store) fn delete_portion(tx: &Savepoint<'_>, first_kept: Day) -> Result<bool, Error> {
    let mut statement = tx.prepare_cached(FIRST_KEPT)?;
    let end: Option<(Day, KeyId)> = statement
        .query_row(params![first_kept, PORTION], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let mut delete = tx.prepare_cached(DELETE_BEFORE)?;
    match end {
        Some((day, key)) => delete.execute(params![day, key])?,
        // The empty text is before every id.
        None => delete.execute(params![first_kept, ""])?,
    };
    Ok(end.is_some())
}
