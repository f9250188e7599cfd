//! Sliding-window rate limiting. Admits at most `limit` requests in any window.
//!
//! A sliding-window log, implemented here because `governor` implements GCRA, which admits up to twice the limit within
//! one window. To bound memory to 48 KiB per key, timestamps are grouped into 1,024 slots per window, and every success
//! of a slot counts as of the slot's latest one. The limiter can therefore refuse up to one slot too long, but never
//! admits too many.
//!
//! Held by the store (`store::sqlite::admission`), which writes the successes to the database and seeds a window from them
//! with [`Limiter::restore`]. Time is a parameter and must be monotonic, so that changes of the wall clock have no effect.
//! A limit that was changed takes effect with the next request: its window drops the successes that the new limit does
//! not count, see [`MeteredLimit`].

mod window;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::window::Window;
use crate::model::{KeyId, MeteredLimit, Timestamp};

/// The number of maps that share the keys, so that threads seldom wait for each other's lock.
const SHARDS: usize = 16;

/// The number of keys in a map before its first eviction of empty windows.
const FIRST_EVICTION: usize = 1024;

/// The windows of all recently used keys. Instants are durations since a common origin.
pub struct Limiter {
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    windows: HashMap<KeyId, Window>,
    evict_at: usize,
}

/// An instant by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of the wall clock.
    pub now: Timestamp,
    /// The monotonic time since an origin.
    pub elapsed: Duration,
}

/// The limiter's decision about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is admitted.
    pub admitted: bool,
    /// The number of further requests that would be admitted now.
    pub remaining: i64,
    /// The time until the oldest counted success leaves the window and one more request is admitted.
    pub reset: Duration,
    /// The instant of the decision: the caller's, or the latest success if that is later.
    pub at: Duration,
}

/// A group of successes that all count as of the latest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The instant of the latest success.
    pub last: Duration,
    /// The number of successes.
    pub successes: i64,
}

impl Limiter {
    /// Creates a limiter without windows.
    #[must_use]
    pub fn new() -> Self {
        let shard = || Shard {
            windows: HashMap::new(),
            evict_at: FIRST_EVICTION,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
        }
    }

    /// Decides about a request and counts it if admitted. `None` if the key's window is not in memory and must be
    /// [restored](Self::restore) first.
    #[must_use]
    pub fn admit(&self, key: KeyId, limit: MeteredLimit, at: Moment) -> Option<Decision> {
        self.with_window(key, limit, at, |window| window.admit(at.elapsed))
    }

    /// Decides about a request without counting it.
    #[must_use]
    pub fn peek(&self, key: KeyId, limit: MeteredLimit, at: Moment) -> Option<Decision> {
        self.with_window(key, limit, at, |window| window.peek(at.elapsed))
    }

    fn with_window(
        &self,
        key: KeyId,
        limit: MeteredLimit,
        at: Moment,
        decide: impl FnOnce(&mut Window) -> Decision,
    ) -> Option<Decision> {
        let mut shard = self.shard(key);
        let window = shard.windows.get_mut(&key)?;
        window.set_limit(limit, at);
        Some(decide(window))
    }

    /// Seeds a key's window with stored successes, oldest first. No-op if the window is already in memory, which is
    /// newer.
    pub fn restore(&self, key: KeyId, limit: MeteredLimit, stored: Vec<Slot>, at: Moment) {
        let mut shard = self.shard(key);
        shard.evict_ended(at.elapsed);
        shard
            .windows
            .entry(key)
            .or_insert_with(|| Window::new(limit, stored));
    }

    /// Refunds a request that was admitted [at](Decision::at) this instant but could not be recorded. No-op once it has
    /// left the window.
    pub fn refund(&self, key: KeyId, at: Duration) {
        if let Some(window) = self.shard(key).windows.get_mut(&key) {
            window.refund(at);
        }
    }

    fn shard(&self, key: KeyId) -> MutexGuard<'_, Shard> {
        // The last byte of an id is random, or differs between hand-written ids.
        let at = key.0.as_bytes()[15] as usize % SHARDS;
        // A poisoned lock is safe to use: no code below panics half-way through a change.
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Shard {
    /// Evicts windows that every success has left, when the map has grown to twice its size after the last eviction.
    ///
    /// Keeps a window whole or not at all: its limit may have been changed, and the new one may count every success.
    fn evict_ended(&mut self, now: Duration) {
        if self.windows.len() < self.evict_at {
            return;
        }
        self.windows.retain(|_, window| !window.has_ended(now));
        self.evict_at = (self.windows.len() * 2).max(FIRST_EVICTION);
    }
}

#[cfg(test)]
mod tests;
