//! The successes of rate-limited keys that may still count against their limits: what a restart must not forget.
//!
//! Written in the transaction of the use itself, read when the limiter in memory does not know a key (see
//! `crate::rate_limit`). A key has 1,024 rows at most for a window, and older ones only until its next success.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::{Connection, Savepoint, params};

use crate::{
    model::{KeyId, LiveUse, Outcome, RateLimit, Timestamp},
    store::Error,
};

pub(super) const ADD: &str = "
    INSERT INTO rate_slots (key_id, slot, last_at, successes)
    VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (key_id, slot) DO UPDATE
       SET last_at = max(last_at, excluded.last_at),
           successes = successes + excluded.successes
    RETURNING successes";

pub(super) const FORGET: &str = "
    DELETE FROM rate_slots
     WHERE key_id = ?1
       AND last_at <= ?2";

pub(super) const SINCE: &str = "
    SELECT last_at,
           successes
      FROM rate_slots
     WHERE key_id = ?1
       AND last_at > ?2
     ORDER BY slot";

pub(super) const SET_BACK: &str = "
    UPDATE rate_slots
       SET last_at = ?2
     WHERE key_id = ?1
       AND last_at > ?2";

/// Notes down the successes among the uses, slot by slot.
pub(super) fn count(tx: &Savepoint<'_>, uses: &[LiveUse]) -> Result<(), Error> {
    let mut slots: BTreeMap<(KeyId, i64), (RateLimit, Timestamp, i64)> = BTreeMap::new();
    for LiveUse { used, rate_limit } in uses {
        let Some(rate) = rate_limit.filter(|_| used.outcome == Outcome::Success) else {
            continue;
        };
        let slot = slots
            .entry((used.key, slot(rate, used.at)))
            .or_insert((rate, used.at, 0));
        slot.1 = slot.1.max(used.at);
        slot.2 += i64::from(used.count);
    }
    let mut add = tx.prepare_cached(ADD)?;
    for ((key, slot), (rate, last, successes)) in slots {
        let kept: i64 = add.query_row(params![key, slot, last, successes], |row| row.get(0))?;
        // A slot begins: a good time to drop those that have left the window.
        if kept == successes {
            tx.prepare_cached(FORGET)?
                .execute(params![key, last.before(rate.window())])?;
        }
    }
    Ok(())
}

fn slot(rate: RateLimit, at: Timestamp) -> i64 {
    let since_1970 = Duration::from_millis(at.as_millis().unsigned_abs());
    i64::try_from(rate.slot(since_1970)).unwrap_or(i64::MAX)
}

/// Moves successes that lie in the future to `now`.
pub(in crate::store) fn set_back(
    tx: &Savepoint<'_>,
    key: KeyId,
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare_cached(SET_BACK)?.execute(params![key, now])?;
    Ok(())
}

/// The successes of a key after `since`, slot by slot: when the last of each came, and how many there are.
pub(in crate::store) fn since(
    conn: &Connection,
    key: KeyId,
    since: Timestamp,
) -> Result<Vec<(Timestamp, i64)>, Error> {
    let mut statement = conn.prepare_cached(SINCE)?;
    let slots = statement.query_map(params![key, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut slots: Vec<(Timestamp, i64)> = slots.collect::<Result<_, _>>()?;
    // Those that were set back are no longer in the order of their slots.
    slots.sort_by_key(|(last, _)| *last);
    Ok(slots)
}
