//! Sliding-window rate limiting. Admits at most `limit` requests in any window.
//!
//! A sliding-window log, implemented here because `governor` implements GCRA, which admits up to twice the limit within
//! one window. To bound memory to 48 KiB per key, timestamps are grouped into 1,024 slots per window, and every success
//! of a slot counts as of the slot's latest one. The limiter can therefore refuse up to one slot too long, but never
//! admits too many.
//!
//! Held by the store (`store::sqlite::admission`), which writes the successes to the database and seeds a window from them
//! with [`Limiter::restore`]. Time is a parameter and must be monotonic, so that changes of the wall clock have no effect.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::{KeyId, RateLimit};

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

/// The limiter's decision about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is admitted.
    pub admitted: bool,
    /// The number of further requests that would be admitted now.
    pub remaining: i64,
    /// The time until the oldest counted success leaves the window and one more request is admitted.
    pub reset: Duration,
    /// The instant of the decision: the caller's `now`, or the latest success if that is later.
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

/// The successes of one key within its window, oldest first.
struct Window {
    rate: RateLimit,
    slots: VecDeque<Slot>,
    successes: i64,
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

    /// Decides about a request at `now` and counts it if admitted. `None` if the key's window is not in memory and must
    /// be [restored](Self::restore) first.
    #[must_use]
    pub fn admit(&self, key: KeyId, now: Duration) -> Option<Decision> {
        let mut shard = self.shard(key);
        shard.windows.get_mut(&key).map(|window| window.admit(now))
    }

    /// Seeds a key's window with stored successes, oldest first. No-op if the window is already in memory, which is
    /// newer.
    pub fn restore(&self, key: KeyId, rate: RateLimit, stored: Vec<Slot>, now: Duration) {
        let mut shard = self.shard(key);
        shard.evict_empty(now);
        shard
            .windows
            .entry(key)
            .or_insert_with(|| Window::new(rate, stored));
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
    /// Evicts empty windows when the map has grown to twice its size after the last eviction.
    fn evict_empty(&mut self, now: Duration) {
        if self.windows.len() < self.evict_at {
            return;
        }
        self.windows.retain(|_, window| {
            window.expire(now);
            window.successes > 0
        });
        self.evict_at = (self.windows.len() * 2).max(FIRST_EVICTION);
    }
}

impl Window {
    fn new(rate: RateLimit, stored: Vec<Slot>) -> Self {
        Self {
            rate,
            successes: stored.iter().map(|slot| slot.successes).sum(),
            slots: stored.into(),
        }
    }

    fn admit(&mut self, now: Duration) -> Decision {
        // Threads may get the lock in another order than they read the clock.
        let now = self.slots.back().map_or(now, |slot| slot.last.max(now));
        self.expire(now);
        let admitted = self.successes < self.rate.limit();
        if admitted {
            self.count(now);
        }
        let oldest = self.slots.front().map_or(now, |slot| slot.last);
        Decision {
            admitted,
            remaining: (self.rate.limit() - self.successes).max(0),
            reset: (oldest + self.rate.window()).saturating_sub(now),
            at: now,
        }
    }

    /// Drops successes that have left the window. A success counts for exactly the window's length.
    fn expire(&mut self, now: Duration) {
        while let Some(slot) = self.slots.front()
            && slot.last + self.rate.window() <= now
        {
            self.successes -= slot.successes;
            self.slots.pop_front();
        }
    }

    fn count(&mut self, now: Duration) {
        self.successes += 1;
        match self.slots.back_mut() {
            Some(slot) if self.rate.slot(slot.last) == self.rate.slot(now) => {
                slot.last = now;
                slot.successes += 1;
            }
            _ => self.slots.push_back(Slot {
                last: now,
                successes: 1,
            }),
        }
    }

    fn refund(&mut self, at: Duration) {
        let number = self.rate.slot(at);
        let rate = self.rate;
        let mut slots = self.slots.iter_mut();
        if let Some(slot) = slots.find(|slot| rate.slot(slot.last) == number) {
            slot.successes -= 1;
            self.successes -= 1;
            self.slots.retain(|slot| slot.successes > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicI64, Ordering},
    };

    use proptest::{collection::vec, prelude::*};
    use uuid::Uuid;

    use super::*;

    const KEY: KeyId = KeyId(Uuid::from_u128(1));

    fn limiter(limit: i64, window_seconds: i64) -> Limiter {
        let limiter = Limiter::new();
        let rate = RateLimit::new(limit, window_seconds).unwrap();
        limiter.restore(KEY, rate, Vec::new(), Duration::ZERO);
        limiter
    }

    fn admit(limiter: &Limiter, millis: u64) -> Decision {
        limiter.admit(KEY, Duration::from_millis(millis)).unwrap()
    }

    #[test]
    fn success_counts_for_exactly_one_window() {
        let limiter = limiter(2, 1);
        let decision = |at, admitted, remaining, reset| Decision {
            admitted,
            remaining,
            reset: Duration::from_millis(reset),
            at: Duration::from_millis(at),
        };
        assert_eq!(admit(&limiter, 0), decision(0, true, 1, 1000));
        assert_eq!(admit(&limiter, 400), decision(400, true, 0, 600));
        assert_eq!(admit(&limiter, 999), decision(999, false, 0, 1));
        assert_eq!(admit(&limiter, 1000), decision(1000, true, 0, 400));
        assert_eq!(admit(&limiter, 1399), decision(1399, false, 0, 1));
        assert_eq!(admit(&limiter, 1400), decision(1400, true, 0, 600));
        // A thread that was delayed between reading the clock and asking the limiter.
        assert_eq!(admit(&limiter, 1300), decision(1400, false, 0, 600));
    }

    #[test]
    fn refund_of_an_expired_success_is_a_no_op() {
        let limiter = limiter(1, 1);
        assert!(admit(&limiter, 0).admitted);
        assert!(admit(&limiter, 1000).admitted);
        limiter.refund(KEY, Duration::ZERO);
        assert!(!admit(&limiter, 1500).admitted);
    }

    #[test]
    fn unknown_key_must_be_restored_first() {
        let limiter = Limiter::new();
        assert_eq!(limiter.admit(KEY, Duration::ZERO), None);
        let rate = RateLimit::new(3, 60).unwrap();
        let stored = vec![Slot {
            last: Duration::from_secs(10),
            successes: 2,
        }];
        limiter.restore(KEY, rate, stored, Duration::from_secs(20));
        assert!(admit(&limiter, 20_000).admitted);
        assert!(!admit(&limiter, 69_999).admitted);
        assert_eq!(admit(&limiter, 70_000).remaining, 1);
        // A window in memory is not replaced.
        limiter.restore(KEY, rate, Vec::new(), Duration::from_secs(70));
        assert_eq!(admit(&limiter, 70_000).remaining, 0);
    }

    #[test]
    fn refund_frees_a_permit() {
        let limiter = limiter(1, 60);
        assert!(admit(&limiter, 5).admitted);
        assert!(!admit(&limiter, 6).admitted);
        limiter.refund(KEY, Duration::from_millis(5));
        assert!(admit(&limiter, 7).admitted);
    }

    #[test]
    fn empty_windows_are_evicted() {
        let limiter = Limiter::new();
        let rate = RateLimit::new(1, 1).unwrap();
        let keys = |from: u128, to: u128| (from..to).map(|n| KeyId(Uuid::from_u128(n)));
        for key in keys(0, 100_000) {
            limiter.restore(key, rate, Vec::new(), Duration::ZERO);
            let _ = limiter.admit(key, Duration::ZERO);
        }
        for key in keys(100_000, 200_000) {
            limiter.restore(key, rate, Vec::new(), Duration::from_secs(2));
            let _ = limiter.admit(key, Duration::from_secs(2));
        }
        let known = |key| limiter.admit(key, Duration::from_secs(2)).is_some();
        assert!(keys(100_000, 200_000).all(known));
        assert!(keys(0, 100_000).filter(|key| known(*key)).count() < 50_000);
    }

    proptest! {
        #[test]
        fn no_window_has_more_successes_than_the_limit(
            limit in 1..50i64,
            window in 1..100i64,
            steps in vec(0..2000u64, 1..500),
            released in vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let limiter = limiter(limit, window);
            let mut now = 0;
            let mut successes = Vec::new();
            let mut refused = Vec::new();
            for (n, step) in steps.iter().enumerate() {
                now += step;
                if admit(&limiter, now).admitted {
                    if released.iter().any(|index| index.index(steps.len()) == n) {
                        limiter.refund(KEY, Duration::from_millis(now));
                    } else {
                        successes.push(now);
                    }
                } else {
                    refused.push(now);
                }
            }
            let window = 1000 * window.unsigned_abs();
            let within = |end: u64, length: u64| {
                successes.iter().filter(|at| **at <= end && **at + length > end).count()
            };
            for at in &successes {
                prop_assert!(within(*at, window) <= usize::try_from(limit).unwrap());
            }
            // A refused request would have exceeded the limit within the window plus one slot.
            for at in refused {
                let used = within(at, window + window / 1000 + 2);
                prop_assert!(used >= usize::try_from(limit).unwrap());
            }
        }
    }

    #[test]
    fn concurrent_decisions_never_exceed_the_limit() {
        const THREADS: usize = 64;
        const PHASES: usize = 100;
        const DECISIONS: usize = 10_000_000 / THREADS / PHASES;
        // A second is ten phases.
        const LIMIT: i64 = 1000;
        let limiter = limiter(LIMIT, 1);
        let barrier = Barrier::new(THREADS);
        let admitted: Vec<AtomicI64> = (0..PHASES).map(|_| AtomicI64::new(0)).collect();
        let decide = || {
            for (phase, admitted) in admitted.iter().enumerate() {
                barrier.wait();
                let now = Duration::from_millis(100 * phase as u64);
                for _ in 0..DECISIONS {
                    let decision = limiter.admit(KEY, now).unwrap();
                    admitted.fetch_add(decision.admitted.into(), Ordering::Relaxed);
                }
                barrier.wait();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(decide);
            }
        });
        let admitted: Vec<i64> = admitted.into_iter().map(AtomicI64::into_inner).collect();
        for window in admitted.windows(10) {
            assert_eq!(window.iter().sum::<i64>(), LIMIT, "{admitted:?}");
        }
    }
}
