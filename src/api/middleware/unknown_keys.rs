//! Limits the log lines of validations whose key is unknown: ten in a second, and one line with the number of the others.
//!
//! Called by [`super::access_log`]. A client that guesses keys would otherwise fill the disk. Invariant: each refusal is
//! logged exactly once, by a line of its own or in a `count`. The seconds begin with the start of the server. The
//! state is one number, which refusals update without a lock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep_until;

use crate::key_validation::UNKNOWN;

/// The maximum number of refusals in a second that have lines of their own.
const MAX_LINES: u32 = 10;

/// Counts refusals of unknown keys. Logs those without a line at the end of their second, and when it is dropped.
pub(super) struct UnknownKeys {
    start: Instant,
    refusals: Arc<Refusals>,
}

impl UnknownKeys {
    /// Counts from `start`, which must not be later than the first refusal.
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            refusals: Arc::default(),
        }
    }

    /// Counts a refusal at `now`. Returns whether it is to have a line of its own. Must be called within a tokio runtime.
    pub(super) fn has_line(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.start).as_secs();
        let counted = self
            .refusals
            .count(u32::try_from(second).unwrap_or(u32::MAX));
        log(counted.ended);
        if counted.is_first_without_line() {
            self.log_at_the_end_of(counted.current.second);
        }
        counted.current.count <= MAX_LINES
    }

    /// Starts a task that logs the refusals of `second` even if no other refusal follows.
    fn log_at_the_end_of(&self, second: u32) {
        let end = self.start + Duration::from_secs(u64::from(second) + 1);
        // The drop of `self` logs earlier.
        let refusals = Arc::downgrade(&self.refusals);
        tokio::spawn(async move {
            sleep_until(end.into()).await;
            if let Some(refusals) = refusals.upgrade() {
                log(refusals.end(second));
            }
        });
    }
}

impl Drop for UnknownKeys {
    fn drop(&mut self) {
        let last = Second::unpack(self.refusals.0.load(Ordering::Relaxed));
        log(self.refusals.end(last.second));
    }
}

/// Logs that `count` refusals have no line of their own.
fn log(count: u32) {
    if count > 0 {
        tracing::info!(status = 401, outcome = UNKNOWN, count, "further requests");
    }
}

/// The refusals of the current second: a packed [`Second`].
#[derive(Default)]
struct Refusals(AtomicU64);

/// A second since the start, and the number of refusals in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Second {
    second: u32,
    count: u32,
}

/// The effect of counting a refusal.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    /// The second that the refusal was counted in.
    current: Second,
    /// The number of refusals without a line in the previous second, if this refusal is the first of a second.
    ended: u32,
}

impl Refusals {
    /// Counts a refusal. One that is late is counted in the current second.
    fn count(&self, second: u32) -> Counted {
        let mut previous = self.0.load(Ordering::Relaxed);
        loop {
            let before = Second::unpack(previous);
            let current = before.with_refusal(second);
            match self.replace(previous, current) {
                Ok(_) if before.second == current.second => return Counted { current, ended: 0 },
                Ok(_) => {
                    let ended = before.without_line();
                    return Counted { current, ended };
                }
                Err(found) => previous = found,
            }
        }
    }

    /// Ends `second`, unless it has ended. Returns the number of its refusals without a line.
    fn end(&self, second: u32) -> u32 {
        let mut previous = self.0.load(Ordering::Relaxed);
        loop {
            let before = Second::unpack(previous);
            if before.second != second {
                return 0;
            }
            let next = Second {
                second: second.saturating_add(1),
                count: 0,
            };
            match self.replace(previous, next) {
                Ok(_) => return before.without_line(),
                Err(found) => previous = found,
            }
        }
    }

    fn replace(&self, previous: u64, next: Second) -> Result<u64, u64> {
        let (relaxed, next) = (Ordering::Relaxed, next.pack());
        self.0
            .compare_exchange_weak(previous, next, relaxed, relaxed)
    }
}

impl Counted {
    fn is_first_without_line(&self) -> bool {
        self.current.count == MAX_LINES + 1
    }
}

impl Second {
    fn pack(self) -> u64 {
        u64::from(self.second) << 32 | u64::from(self.count)
    }

    fn unpack(packed: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits).unwrap_or(u32::MAX);
        Self {
            second: half(packed >> 32),
            count: half(packed & u64::from(u32::MAX)),
        }
    }

    fn with_refusal(self, second: u32) -> Self {
        if second > self.second {
            return Self { second, count: 1 };
        }
        Self {
            second: self.second,
            count: self.count.saturating_add(1),
        }
    }

    fn without_line(self) -> u32 {
        self.count.saturating_sub(MAX_LINES)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn refusals_beyond_ten_in_a_second_are_reported_once_by_the_next_refusal_or_the_end() {
        let refusals = Refusals::default();
        let mut lines = 0;
        for count in 1..=15 {
            let counted = refusals.count(3);
            assert_eq!(counted.current, Second { second: 3, count });
            assert_eq!(counted.ended, 0);
            assert_eq!(counted.is_first_without_line(), count == 11);
            lines += u32::from(count <= MAX_LINES);
        }
        assert_eq!(lines, 10);
        assert_eq!(refusals.count(5).ended, 5);
        assert_eq!(refusals.end(3), 0);
        // The other refusal of second 5 has a line.
        assert_eq!(refusals.end(5), 0);
        // Late: counted in the current second.
        for count in 1..=12 {
            let counted = refusals.count(5);
            assert_eq!(counted.current, Second { second: 6, count });
        }
        assert_eq!([refusals.end(6), refusals.end(6)], [2, 0]);
    }

    #[test]
    fn refusals_of_many_threads_are_each_reported_once() {
        const EACH: u32 = 20_000;
        let refusals = Refusals::default();
        let reported = || {
            let mut reported = 0;
            for at in 0..EACH {
                let counted = refusals.count(at / 500);
                reported += u32::from(counted.current.count <= MAX_LINES) + counted.ended;
                if counted.is_first_without_line() {
                    reported += refusals.end(counted.current.second);
                }
            }
            reported
        };
        let reported: u32 = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(reported));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        let last = Second::unpack(refusals.0.load(Ordering::Relaxed));
        assert_eq!(reported + refusals.end(last.second), 4 * EACH);
    }
}
