//! Rate limits: never more than `limit` successes in any window, key by key, in memory.
//!
//! Own, since the library for this (`governor`) does GCRA, which lets up to twice the limit through in one window.
//! A sliding-window log ("sliding log" in Kong's and Cloudflare's articles on rate limiting), with its entries
//! gathered in slots of a 1024th of the window, so that a key needs 48 KiB at most whatever its limit. All
//! successes of a slot count as if they had come with its last one: a key may wait a slot longer than it must, and
//! is never let over.
//!
//! Called by [`crate::key_validation`]. Time is a parameter, and a monotonic one: a clock that is set back or forth
//! changes nothing. What must outlast a restart is stored with the uses themselves, and handed to
//! [`Limiter::restore`].

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::{KeyId, RateLimit};

/// How many maps the keys are spread over, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// How many keys a map holds before it looks for those whose windows are empty.
const FIRST_SWEEP: usize = 1024;

/// The windows of all keys that were used lately. An instant is a distance from a common origin.
pub struct Limiter {
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    windows: HashMap<KeyId, Window>,
    sweep_at: usize,
}

/// What the limiter says of one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may pass.
    pub admitted: bool,
    /// How many more may pass now.
    pub remaining: i64,
    /// Until one more may pass than now: the oldest success that counts leaves the window.
    pub reset: Duration,
    /// When it was decided: as asked, or with the last success if that came in between.
    pub at: Duration,
}

/// Successes that count as if they had come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When the last of them came.
    pub last: Duration,
    /// How many there are.
    pub successes: i64,
}

/// The successes of one key that still count, oldest first.
struct Window {
    rate: RateLimit,
    slots: VecDeque<Slot>,
    successes: i64,
}

impl Limiter {
    /// A limiter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let shard = || Shard {
            windows: HashMap::new(),
            sweep_at: FIRST_SWEEP,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
        }
    }

    /// Decides on a use at `now`, and counts it if it is admitted. `None` when nothing is known of the key: its
    /// past must be [restored](Self::restore) first.
    #[must_use]
    pub fn admit(&self, key: KeyId, now: Duration) -> Option<Decision> {
        let mut shard = self.shard(key);
        shard.windows.get_mut(&key).map(|window| window.admit(now))
    }

    /// Tells what of a key's past may still count, oldest first. Does nothing when the key is known: what is known
    /// is newer.
    pub fn restore(&self, key: KeyId, rate: RateLimit, past: Vec<Slot>, now: Duration) {
        let mut shard = self.shard(key);
        shard.sweep(now);
        shard
            .windows
            .entry(key)
            .or_insert_with(|| Window::new(rate, past));
    }

    /// Takes back a use that was admitted, [at](Decision::at) this instant, and then could not be recorded: it has
    /// not happened. One that has left the window meanwhile is not missed.
    pub fn release(&self, key: KeyId, at: Duration) {
        if let Some(window) = self.shard(key).windows.get_mut(&key) {
            window.release(at);
        }
    }

    fn shard(&self, key: KeyId) -> MutexGuard<'_, Shard> {
        // Ids are random, or chosen to be told apart by their end.
        let at = key.0.as_bytes()[15] as usize % SHARDS;
        // A panic leaves a whole window behind.
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
    /// Forgets the keys whose windows are empty, once there are twice as many as the last time.
    fn sweep(&mut self, now: Duration) {
        if self.windows.len() < self.sweep_at {
            return;
        }
        self.windows.retain(|_, window| {
            window.forget(now);
            window.successes > 0
        });
        self.sweep_at = (self.windows.len() * 2).max(FIRST_SWEEP);
    }
}

impl Window {
    fn new(rate: RateLimit, past: Vec<Slot>) -> Self {
        Self {
            rate,
            successes: past.iter().map(|slot| slot.successes).sum(),
            slots: past.into(),
        }
    }

    fn admit(&mut self, now: Duration) -> Decision {
        // Threads may come in another order than they asked for the time.
        let now = self.slots.back().map_or(now, |slot| slot.last.max(now));
        self.forget(now);
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

    /// Drops what has left the window: a success counts for exactly as long as the window lasts.
    fn forget(&mut self, now: Duration) {
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

    fn release(&mut self, at: Duration) {
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
    fn a_success_counts_for_exactly_as_long_as_the_window() {
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
        // A thread that was held up between the clock and the limiter.
        assert_eq!(admit(&limiter, 1300), decision(1400, false, 0, 600));
    }

    #[test]
    fn what_is_taken_back_too_late_takes_nothing_from_others() {
        let limiter = limiter(1, 1);
        assert!(admit(&limiter, 0).admitted);
        assert!(admit(&limiter, 1000).admitted);
        limiter.release(KEY, Duration::ZERO);
        assert!(!admit(&limiter, 1500).admitted);
    }

    #[test]
    fn a_key_that_is_not_known_must_be_restored_first() {
        let limiter = Limiter::new();
        assert_eq!(limiter.admit(KEY, Duration::ZERO), None);
        let rate = RateLimit::new(3, 60).unwrap();
        let past = vec![Slot {
            last: Duration::from_secs(10),
            successes: 2,
        }];
        limiter.restore(KEY, rate, past, Duration::from_secs(20));
        assert!(admit(&limiter, 20_000).admitted);
        assert!(!admit(&limiter, 69_999).admitted);
        assert_eq!(admit(&limiter, 70_000).remaining, 1);
        // What is known is not replaced.
        limiter.restore(KEY, rate, Vec::new(), Duration::from_secs(70));
        assert_eq!(admit(&limiter, 70_000).remaining, 0);
    }

    #[test]
    fn what_could_not_be_recorded_is_taken_back() {
        let limiter = limiter(1, 60);
        assert!(admit(&limiter, 5).admitted);
        assert!(!admit(&limiter, 6).admitted);
        limiter.release(KEY, Duration::from_millis(5));
        assert!(admit(&limiter, 7).admitted);
    }

    #[test]
    fn idle_keys_are_forgotten_and_busy_ones_kept() {
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
                        limiter.release(KEY, Duration::from_millis(now));
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
            // Whoever was refused would have been the one too many, or nearly so: within a slot of the window.
            for at in refused {
                let used = within(at, window + window / 1000 + 2);
                prop_assert!(used >= usize::try_from(limit).unwrap());
            }
        }
    }

    #[test]
    fn ten_million_decisions_of_64_threads_never_let_a_key_over() {
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
