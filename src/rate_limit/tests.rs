//! The limiter: exact examples, and properties against lists of successes.
//!
//! The wall clock is a day ahead of the monotonic one, so that mistaking one for the other fails.

use std::sync::{
    Barrier,
    atomic::{AtomicI64, Ordering},
};

use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::*;
use crate::model::RateLimit;

const KEY: KeyId = KeyId(Uuid::from_u128(1));

fn moment(millis: u64) -> Moment {
    Moment {
        now: wall(millis),
        elapsed: Duration::from_millis(millis),
    }
}

fn wall(millis: u64) -> Timestamp {
    Timestamp::from_millis(86_400_000).after(Duration::from_millis(millis))
}

fn limit(limit: i64, window_seconds: i64) -> MeteredLimit {
    MeteredLimit {
        rate: RateLimit::new(limit, window_seconds).unwrap(),
        counts_after: None,
    }
}

/// A limiter with an empty window of one key, and its limit.
struct OneKey {
    limiter: Limiter,
    limit: MeteredLimit,
}

impl OneKey {
    fn new(requests: i64, window_seconds: i64) -> Self {
        let limiter = Limiter::new();
        let limit = limit(requests, window_seconds);
        limiter.restore(KEY, limit, Vec::new(), moment(0));
        Self { limiter, limit }
    }

    fn admit(&self, millis: u64) -> Decision {
        self.limiter.admit(KEY, self.limit, moment(millis)).unwrap()
    }

    fn refund(&self, millis: u64) {
        self.limiter.refund(KEY, Duration::from_millis(millis));
    }

    fn change(&mut self, requests: i64, window_seconds: i64, millis: u64) {
        let new = RateLimit::new(requests, window_seconds);
        self.limit = MeteredLimit::change(Some(self.limit), new, wall(millis)).unwrap();
    }
}

#[test]
fn success_counts_for_exactly_one_window() {
    let key = OneKey::new(2, 1);
    let decision = |at, admitted, remaining, reset| Decision {
        admitted,
        remaining,
        reset: Duration::from_millis(reset),
        at: Duration::from_millis(at),
    };
    assert_eq!(key.admit(0), decision(0, true, 1, 1000));
    assert_eq!(key.admit(400), decision(400, true, 0, 600));
    assert_eq!(key.admit(999), decision(999, false, 0, 1));
    assert_eq!(key.admit(1000), decision(1000, true, 0, 400));
    assert_eq!(key.admit(1399), decision(1399, false, 0, 1));
    assert_eq!(key.admit(1400), decision(1400, true, 0, 600));
    // A thread that was delayed between reading the clock and asking the limiter.
    assert_eq!(key.admit(1300), decision(1400, false, 0, 600));
}

#[test]
fn refund_of_an_expired_success_is_a_no_op() {
    let key = OneKey::new(1, 1);
    assert!(key.admit(0).admitted);
    assert!(key.admit(1000).admitted);
    key.refund(0);
    assert!(!key.admit(1500).admitted);
}

#[test]
fn unknown_key_must_be_restored_first() {
    let key = OneKey {
        limiter: Limiter::new(),
        limit: limit(3, 60),
    };
    assert_eq!(key.limiter.admit(KEY, key.limit, moment(0)), None);
    assert_eq!(key.limiter.peek(KEY, key.limit, moment(0)), None);
    let stored = vec![Slot {
        last: Duration::from_secs(10),
        successes: 2,
    }];
    key.limiter.restore(KEY, key.limit, stored, moment(20_000));
    assert!(key.admit(20_000).admitted);
    assert!(!key.admit(69_999).admitted);
    assert_eq!(key.admit(70_000).remaining, 1);
    // A window in memory is not replaced.
    key.limiter
        .restore(KEY, key.limit, Vec::new(), moment(70_000));
    assert_eq!(key.admit(70_000).remaining, 0);
}

#[test]
fn peek_decides_without_counting() {
    let key = OneKey::new(1, 60);
    let peek = |millis| {
        let decision = key.limiter.peek(KEY, key.limit, moment(millis)).unwrap();
        (decision.admitted, decision.remaining)
    };
    assert_eq!(peek(0), (true, 1));
    assert!(key.admit(0).admitted);
    assert_eq!(peek(59_999), (false, 0));
    assert_eq!(peek(60_000), (true, 1));
}

#[test]
fn changed_limit_counts_on_the_window_that_is_running() {
    let mut key = OneKey::new(3, 60);
    for millis in [0, 1000, 2000] {
        assert!(key.admit(millis).admitted);
    }
    key.change(4, 60, 3000);
    assert!(key.admit(3000).admitted);
    assert!(!key.admit(3001).admitted);
    key.change(2, 60, 4000);
    // Two of the four successes must leave first, and one more for a permit.
    assert!(!key.admit(61_999).admitted);
    assert_eq!(key.admit(62_000).remaining, 0);
    assert!(!key.admit(62_999).admitted);
    assert!(key.admit(63_000).admitted);
}

#[test]
fn changed_window_counts_what_had_not_left_the_old_one() {
    let mut key = OneKey::new(2, 10);
    assert!(key.admit(0).admitted);
    assert!(key.admit(15_000).admitted);
    // The first success has left the window of ten seconds, the second has not; no request was decided in between.
    key.change(2, 3600, 20_000);
    assert!(key.admit(100_000).admitted);
    assert!(!key.admit(3_614_999).admitted);
    assert!(key.admit(3_615_000).admitted);
}

#[test]
fn removed_limit_leaves_nothing_behind() {
    let mut key = OneKey::new(1, 3600);
    assert!(key.admit(0).admitted);
    key.limit = MeteredLimit::change(None, RateLimit::new(1, 3600), wall(1000)).unwrap();
    assert!(key.admit(1001).admitted);
    assert!(!key.admit(1002).admitted);
}

#[test]
fn eviction_keeps_a_window_that_a_longer_limit_may_count() {
    let limiter = Limiter::new();
    let mut changing = limit(2, 10);
    limiter.restore(KEY, changing, Vec::new(), moment(0));
    for millis in [0, 9000] {
        let _ = limiter.admit(KEY, changing, moment(millis));
    }
    let longer = RateLimit::new(2, 3600);
    changing = MeteredLimit::change(Some(changing), longer, wall(9500)).unwrap();
    for n in 2..10_000 {
        limiter.restore(
            KeyId(Uuid::from_u128(n)),
            limit(1, 1),
            Vec::new(),
            moment(12_000),
        );
    }
    let decision = limiter.peek(KEY, changing, moment(12_000)).unwrap();
    assert_eq!(decision.remaining, 0);
}

#[test]
fn refund_frees_a_permit() {
    let key = OneKey::new(1, 60);
    assert!(key.admit(5).admitted);
    assert!(!key.admit(6).admitted);
    key.refund(5);
    assert!(key.admit(7).admitted);
}

#[test]
fn empty_windows_are_evicted() {
    let limiter = Limiter::new();
    let limit = limit(1, 1);
    let keys = |from: u128, to: u128| (from..to).map(|n| KeyId(Uuid::from_u128(n)));
    for (keys, at) in [
        (keys(0, 100_000), moment(0)),
        (keys(100_000, 200_000), moment(2000)),
    ] {
        for key in keys {
            limiter.restore(key, limit, Vec::new(), at);
            let _ = limiter.admit(key, limit, at);
        }
    }
    let known = |key| limiter.peek(key, limit, moment(2000)).is_some();
    assert!(keys(100_000, 200_000).all(known));
    assert!(keys(0, 100_000).filter(|key| known(*key)).count() < 50_000);
}

/// A step of a history in which every slot holds the successes of one instant: steps are longer than the longest slot.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    Request,
    Change(i64, i64),
    /// The limit is removed and set again.
    Replace(i64, i64),
    /// The window is loaded from the successes that count.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let limits = || {
        (
            1..6i64,
            prop_oneof![Just(5), Just(30), Just(600), Just(3600)],
        )
    };
    prop_oneof![
        3 => (4000..60_000u64).prop_map(Step::Wait),
        6 => Just(Step::Request),
        1 => limits().prop_map(|(limit, window)| Step::Change(limit, window)),
        1 => limits().prop_map(|(limit, window)| Step::Replace(limit, window)),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn changed_limits_decide_as_a_list_of_successes(steps in vec(step(), 1..120)) {
        let mut key = OneKey::new(3, 30);
        let mut now = 0;
        // The successes that a limit has counted throughout.
        let mut counted: Vec<u64> = Vec::new();
        for step in steps {
            let window = 1000 * key.limit.rate.window_seconds().unsigned_abs();
            match step {
                Step::Wait(millis) => now += millis,
                Step::Request => {
                    counted.retain(|at| at + window > now);
                    let expected = counted.len() < usize::try_from(key.limit.rate.limit()).unwrap();
                    prop_assert_eq!(key.admit(now).admitted, expected, "at {}", now);
                    if expected {
                        counted.push(now);
                    }
                }
                Step::Change(requests, seconds) => {
                    counted.retain(|at| at + window > now);
                    key.change(requests, seconds, now);
                }
                Step::Replace(requests, seconds) => {
                    counted.clear();
                    let new = RateLimit::new(requests, seconds);
                    key.limit = MeteredLimit::change(None, new, wall(now)).unwrap();
                    now += 1;
                }
                Step::Restart => {
                    let slot = |at: &u64| Slot { last: Duration::from_millis(*at), successes: 1 };
                    let stored = counted.iter().map(slot).collect();
                    key.limiter = Limiter::new();
                    key.limiter.restore(KEY, key.limit, stored, moment(now));
                }
            }
        }
    }

    #[test]
    fn no_window_has_more_successes_than_the_limit(
        limit in 1..50i64,
        window in 1..100i64,
        steps in vec(0..2000u64, 1..500),
        released in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let key = OneKey::new(limit, window);
        let mut now = 0;
        let mut successes = Vec::new();
        let mut refused = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            now += step;
            if key.admit(now).admitted {
                if released.iter().any(|index| index.index(steps.len()) == n) {
                    key.refund(now);
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
    let key = OneKey::new(LIMIT, 1);
    let barrier = Barrier::new(THREADS);
    let admitted: Vec<AtomicI64> = (0..PHASES).map(|_| AtomicI64::new(0)).collect();
    let decide = || {
        for (phase, admitted) in admitted.iter().enumerate() {
            barrier.wait();
            let now = 100 * phase as u64;
            for _ in 0..DECISIONS {
                let decision = key.admit(now);
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
