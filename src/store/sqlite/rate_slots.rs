//! Successes of rate-limited keys within their windows, kept for the next start of the server.
//!
//! Written in the transaction that counts the use, and read when the limiter has no window of the key in memory (see
//! [`super::admission`]). A key has at most 1,024 rows for a window; older rows are deleted by its next success.
//!
//! A slot's number is its start in milliseconds since 1970, so that slots of a changed window stay in order. Rows that
//! were written by a version before schema version 3 are numbered from 1970 in slots: smaller numbers, which collide with
//! no later one and end with their window.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::{Connection, Savepoint, params};

use super::row;
use crate::{
    model::{ApiKey, KeyId, MeteredLimit, MeteredUse, Outcome, RateLimit, Timestamp},
    store::Error,
};

pub(super) const ADD: &str = "
    INSERT INTO rate_slots (key_id, slot, last_at, successes)
    VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (key_id, slot) DO UPDATE
       SET last_at = max(last_at, excluded.last_at),
           successes = successes + excluded.successes
    RETURNING successes";

pub(super) const DELETE_EXPIRED: &str = "
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

pub(super) const DELETE_ALL: &str = "
    DELETE FROM rate_slots
     WHERE key_id = ?1";

pub(super) const SET_LIMIT: &str = "
    UPDATE api_keys
       SET rate_limit = ?2,
           rate_window_seconds = ?3,
           rate_limit_counts_after = ?4
     WHERE id = ?1";

pub(super) const CLAMP_TO_NOW: &str = "
    UPDATE rate_slots
       SET last_at = ?2
     WHERE key_id = ?1
       AND last_at > ?2";

/// The successes of a key in one slot of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredSlot {
    /// The instant of the latest success.
    pub(super) last_at: Timestamp,
    /// The number of successes.
    pub(super) successes: i64,
}

/// Adds the successes among the uses, slot by slot.
pub(super) fn add(tx: &Savepoint<'_>, uses: &[MeteredUse]) -> Result<(), Error> {
    let mut slots: BTreeMap<(KeyId, i64), (RateLimit, StoredSlot)> = BTreeMap::new();
    for MeteredUse {
        event, rate_limit, ..
    } in uses
    {
        let Some(rate) = rate_limit.filter(|_| event.outcome == Outcome::Success) else {
            continue;
        };
        let empty = StoredSlot {
            last_at: event.at,
            successes: 0,
        };
        let number = slot_number(rate, event.at);
        let (_, slot) = slots.entry((event.key, number)).or_insert((rate, empty));
        slot.last_at = slot.last_at.max(event.at);
        slot.successes += i64::from(event.count);
    }
    for ((key, number), (rate, slot)) in slots {
        // The slot is new. Deleting once per slot keeps the cost of a success low.
        if add_slot(tx, key, number, slot)? == slot.successes {
            delete_expired(tx, key, rate, slot.last_at)?;
        }
    }
    Ok(())
}

/// Adds successes to a slot. Returns the slot's successes.
fn add_slot(tx: &Savepoint<'_>, key: KeyId, number: i64, slot: StoredSlot) -> Result<i64, Error> {
    let StoredSlot { last_at, successes } = slot;
    let mut add = tx.prepare_cached(ADD)?;
    Ok(add.query_row(params![key, number, last_at, successes], |row| row.get(0))?)
}

/// Deletes the slots that have left the window at `now`.
fn delete_expired(
    tx: &Savepoint<'_>,
    key: KeyId,
    rate: RateLimit,
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare_cached(DELETE_EXPIRED)?
        .execute(params![key, now.before(rate.window())])?;
    Ok(())
}

fn slot_number(rate: RateLimit, at: Timestamp) -> i64 {
    let since_1970 = Duration::from_millis(at.as_millis().unsigned_abs());
    i64::try_from(rate.slot_start(since_1970)).unwrap_or(i64::MAX)
}

/// Changes the rate limit of `key`, which is the key before the change: its columns `rate_limit`, `rate_window_seconds`
/// and `rate_limit_counts_after`, and its slots. Returns the limit with the successes that it counts. Windows in memory
/// follow when the key is used next. No-op if `limit` is the limit of the key.
pub(super) fn change_limit(
    tx: &Savepoint<'_>,
    key: &ApiKey,
    limit: Option<RateLimit>,
    now: Timestamp,
) -> Result<Option<MeteredLimit>, Error> {
    let old = key.metered_limit();
    if key.rate_limit == limit {
        return Ok(old);
    }
    let new = MeteredLimit::change(old, limit, now);
    let changed = tx.prepare_cached(SET_LIMIT)?.execute(params![
        key.id,
        limit.map(RateLimit::limit),
        limit.map(RateLimit::window_seconds),
        new.and_then(|new| new.counts_after),
    ])?;
    row::expect_one_row(changed)?;
    match (old, new) {
        (Some(old), Some(new)) => {
            delete_expired(tx, key.id, old.rate, now)?;
            if old.rate.window() != new.rate.window() {
                renumber(tx, key.id, new.rate)?;
            }
        }
        // A use that was in the queue when the limit was removed may have left a slot.
        _ => delete_all(tx, key.id)?,
    }
    Ok(new)
}

/// Groups a key's successes into the slots of another window.
fn renumber(tx: &Savepoint<'_>, key: KeyId, rate: RateLimit) -> Result<(), Error> {
    let slots = since(tx, key, Timestamp::from_millis(-1))?;
    delete_all(tx, key)?;
    for slot in slots {
        add_slot(tx, key, slot_number(rate, slot.last_at), slot)?;
    }
    Ok(())
}

fn delete_all(tx: &Savepoint<'_>, key: KeyId) -> Result<(), Error> {
    tx.prepare_cached(DELETE_ALL)?.execute([key])?;
    Ok(())
}

/// Moves successes that lie in the future to `now`, so that they count for one window and no longer. A wall clock that
/// was set back leaves such successes.
pub(super) fn clamp_to_now(tx: &Savepoint<'_>, key: KeyId, now: Timestamp) -> Result<(), Error> {
    tx.prepare_cached(CLAMP_TO_NOW)?
        .execute(params![key, now])?;
    Ok(())
}

/// Returns the slots of a key with successes after `since`, oldest first.
pub(super) fn since(
    conn: &Connection,
    key: KeyId,
    since: Timestamp,
) -> Result<Vec<StoredSlot>, Error> {
    let mut statement = conn.prepare_cached(SINCE)?;
    let slots = statement.query_map(params![key, since], |row| {
        Ok(StoredSlot {
            last_at: row.get(0)?,
            successes: row.get(1)?,
        })
    })?;
    let mut slots: Vec<StoredSlot> = slots.collect::<Result<_, _>>()?;
    // Clamped slots are no longer in the order of their numbers.
    slots.sort_by_key(|slot| slot.last_at);
    Ok(slots)
}
