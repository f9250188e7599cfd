//! Retention: deletes the oldest days of keys.
//!
//! Called by the maintenance of a server. The totals of keys, and the totals and days of organizations, stay.

use rusqlite::{Connection, OptionalExtension, Savepoint, params};

use crate::{model::Day, store::Error};

pub(super) const ANY_BEFORE: &str = "
    SELECT 1
      FROM key_daily_usage
     WHERE day < ?1
     LIMIT 1";

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

/// Returns whether there are days of keys before `first_kept`.
pub(in crate::store) fn has_days_before(conn: &Connection, first_kept: Day) -> Result<bool, Error> {
    Ok(conn.prepare_cached(ANY_BEFORE)?.exists([first_kept])?)
}

/// Deletes the oldest days of keys before `first_kept`, by one portion. Returns whether more remain.
pub(in crate::store) fn delete_portion(tx: &Savepoint<'_>, first_kept: Day) -> Result<bool, Error> {
    let mut statement = tx.prepare_cached(FIRST_KEPT)?;
    let end: Option<(Day, String)> = statement
        .query_row(params![first_kept, PORTION], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let mut delete = tx.prepare_cached(DELETE_BEFORE)?;
    let has_more = end.is_some();
    // The empty text is before every id.
    let (day, key) = end.unwrap_or((first_kept, String::new()));
    delete.execute(params![day, key])?;
    Ok(has_more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan_tests::in_memory;

    #[test]
    fn delete_portion_deletes_the_oldest_rows_and_keeps_later_days() {
        let mut conn = in_memory();
        // Three keys a day, on the days 1 to 700.
        conn.execute_batch(
            "PRAGMA foreign_keys = OFF;
             WITH RECURSIVE days (day) AS (
               SELECT 1
                UNION ALL
               SELECT day + 1
                 FROM days
                WHERE day < 700)
             INSERT INTO key_daily_usage (day, key_id, successful_requests, rate_limit_hits, errors)
             SELECT day, format('key %d', value), 1, 0, 0
               FROM days, json_each('[1, 2, 3]')",
        )
        .unwrap();
        let first_kept = Day::from_number(501);
        let mut left = Vec::new();
        while has_days_before(&conn, first_kept).unwrap() {
            let tx = conn.savepoint().unwrap();
            let has_more = delete_portion(&tx, first_kept).unwrap();
            tx.commit().unwrap();
            assert_eq!(has_more, has_days_before(&conn, first_kept).unwrap());
            let rows = "SELECT count(*), min(day) FROM key_daily_usage";
            let row: (i64, i64) = conn
                .query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            left.push(row);
        }
        // 1,500 rows, in portions of 1,000.
        assert_eq!(left, [(1100, 334), (600, 501)]);
    }
}
