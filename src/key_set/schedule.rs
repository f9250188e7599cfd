//! Decides when the JWK set is fetched. Pure: the time is a parameter, a duration since an origin.
//!
//! Used by [`super::KeySetSource`]. Invariants: at most one fetch runs at a time; unknown keys start at most one fetch in
//! [`UNKNOWN_KEY_INTERVAL`], however many tokens name them.

use std::time::Duration;

/// The time for which a set is fresh if its response does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(10);
const MIN_LIFETIME: Duration = Duration::from_mins(1);
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// The minimum time between two fetches that tokens with an unknown key start.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);

/// The time from the first failure to the next fetch. It doubles with each further failure.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const MAX_RETRY: Duration = Duration::from_secs(30);

/// The state of the fetches. A fetch is due from the beginning.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    is_running: bool,
    due_at: Duration,
    failures: u32,
    /// The last fetch that an unknown key started.
    last_unknown_key: Option<Duration>,
}

/// The fetch that a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// A fetch that this request must start.
    NewFetch,
    /// The fetch that runs.
    RunningFetch,
    /// Nothing: no fetch runs, and none may start.
    Nothing,
}

impl Schedule {
    /// Makes a fetch due at once. If one runs, another one follows it.
    pub(super) fn request(&mut self) {
        self.due_at = Duration::ZERO;
    }

    /// Begins a fetch if one is due and none runs. Returns whether it did.
    pub(super) fn begin_if_due(&mut self, now: Duration) -> bool {
        let begins = !self.is_running && now >= self.due_at;
        if begins {
            self.begin();
        }
        begins
    }

    /// Decides about a request while there is no set. It starts no fetch before one is due.
    pub(super) fn without_set(&mut self, now: Duration) -> Wait {
        if self.is_running {
            Wait::RunningFetch
        } else if self.begin_if_due(now) {
            Wait::NewFetch
        } else {
            Wait::Nothing
        }
    }

    /// Decides about a request whose token names an unknown key. A fetch that is due anyway does not count.
    pub(super) fn unknown_key(&mut self, now: Duration) -> Wait {
        let wait = self.without_set(now);
        let last = self.last_unknown_key;
        let is_recent = last.is_some_and(|last| now.saturating_sub(last) < UNKNOWN_KEY_INTERVAL);
        if wait != Wait::Nothing || is_recent {
            return wait;
        }
        self.last_unknown_key = Some(now);
        self.begin();
        Wait::NewFetch
    }

    fn begin(&mut self) {
        self.is_running = true;
        self.due_at = Duration::MAX;
    }

    /// Ends a fetch that got a set, which is fresh for `lifetime`. The next fetch is due after 80 % of it. Returns whether the
    /// fetch before had failed.
    pub(super) fn succeed(&mut self, now: Duration, lifetime: Duration) -> bool {
        self.end(now + lifetime * 4 / 5);
        std::mem::take(&mut self.failures) > 0
    }

    /// Ends a fetch that failed.
    pub(super) fn fail(&mut self, now: Duration) {
        let retry = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        self.end(now + retry.min(MAX_RETRY));
    }

    /// A fetch that was requested meanwhile remains due.
    fn end(&mut self, next: Duration) {
        self.is_running = false;
        self.due_at = self.due_at.min(next);
    }
}

/// Returns the time for which a response with these values of `Cache-Control` is fresh (RFC 9111, section 5.2.2.1).
pub(super) fn lifetime<'a>(cache_control: impl Iterator<Item = &'a str>) -> Duration {
    let mut directives = cache_control.flat_map(|value| value.split(','));
    let max_age = directives.find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let is_max_age = name.trim().eq_ignore_ascii_case("max-age");
        is_max_age.then(|| value.trim().trim_matches('"'))
    });
    let Some(max_age) = max_age.filter(|digits| is_number(digits)) else {
        return DEFAULT_LIFETIME;
    };
    // Digits that do not fit are a long time.
    let max_age = Duration::from_secs(max_age.parse().unwrap_or(u64::MAX));
    max_age.clamp(MIN_LIFETIME, MAX_LIFETIME)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lifetime_is_max_age_between_a_minute_and_an_hour() {
        for (values, expected) in [
            (&[][..], 600),
            (&["no-store"], 600),
            (&["max-age=120"], 120),
            (&["public, max-age=120, must-revalidate"], 120),
            (&["public", "MAX-AGE = \"120\""], 120),
            (&["max-age=60"], 60),
            (&["max-age=59"], 60),
            (&["max-age=0"], 60),
            (&["max-age=3600"], 3600),
            (&["max-age=3601"], 3600),
            (&["max-age=99999999999999999999999"], 3600),
            (&["max-age=-1"], 600),
            (&["max-age=+120"], 600),
            (&["max-age="], 600),
            (&["max-age=soon"], 600),
            (&["s-maxage=120"], 600),
        ] {
            let found = lifetime(values.iter().copied());
            assert_eq!(found, secs(expected), "{values:?}");
        }
    }

    #[test]
    fn schedule_fetches_before_the_set_becomes_stale() {
        let mut schedule = Schedule::default();
        assert!(schedule.begin_if_due(secs(100)));
        assert!(!schedule.begin_if_due(secs(100)), "one fetch at a time");
        assert!(!schedule.succeed(secs(101), secs(600)));
        assert!(!schedule.begin_if_due(secs(580)));
        assert!(schedule.begin_if_due(secs(581)));
    }

    #[test]
    fn schedule_retries_after_a_failure_ever_more_slowly() {
        let mut schedule = Schedule::default();
        let mut now = secs(0);
        for pause in [2, 4, 8, 16, 30, 30] {
            assert!(schedule.begin_if_due(now));
            schedule.fail(now);
            assert!(!schedule.begin_if_due(now + secs(pause - 1)));
            now += secs(pause);
        }
        assert!(schedule.begin_if_due(now));
        assert!(schedule.succeed(now, secs(600)), "after failures");
        now += secs(480);
        assert!(schedule.begin_if_due(now));
        schedule.fail(now);
        assert!(schedule.begin_if_due(now + secs(2)));
    }

    #[test]
    fn schedule_starts_one_fetch_for_unknown_keys_in_30_seconds() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.unknown_key(secs(1)), Wait::NewFetch);
        assert_eq!(schedule.unknown_key(secs(1)), Wait::RunningFetch);
        schedule.succeed(secs(2), secs(600));
        // The first was the fetch at start, which does not count.
        assert_eq!(schedule.unknown_key(secs(3)), Wait::NewFetch);
        schedule.succeed(secs(4), secs(600));
        assert_eq!(schedule.unknown_key(secs(32)), Wait::Nothing);
        assert_eq!(schedule.unknown_key(secs(33)), Wait::NewFetch);
        schedule.fail(secs(33));
        assert_eq!(schedule.unknown_key(secs(34)), Wait::Nothing);
    }

    #[test]
    fn schedule_starts_no_fetch_without_a_set_before_one_is_due() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.without_set(secs(1)), Wait::NewFetch);
        assert_eq!(schedule.without_set(secs(1)), Wait::RunningFetch);
        schedule.fail(secs(1));
        assert_eq!(schedule.without_set(secs(2)), Wait::Nothing);
        assert_eq!(schedule.without_set(secs(3)), Wait::NewFetch);
        schedule.succeed(secs(3), secs(600));
        // The limit for unknown keys is untouched.
        assert_eq!(schedule.unknown_key(secs(4)), Wait::NewFetch);
    }

    #[test]
    fn schedule_repeats_a_fetch_that_is_requested_while_one_runs() {
        let mut schedule = Schedule::default();
        assert!(schedule.begin_if_due(secs(1)));
        schedule.request();
        assert!(!schedule.begin_if_due(secs(1)));
        schedule.succeed(secs(2), secs(600));
        assert!(schedule.begin_if_due(secs(2)));
        schedule.succeed(secs(3), secs(600));
        assert!(!schedule.begin_if_due(secs(3)));
    }

    proptest! {
        #[test]
        fn schedule_limits_the_fetches_for_unknown_keys(steps in prop::collection::vec((0_u64..20, any::<bool>()), 1..200)) {
            let mut schedule = Schedule::default();
            prop_assert!(schedule.begin_if_due(secs(0)));
            schedule.succeed(secs(0), secs(3600));
            let (mut now, mut fetches) = (0, Vec::new());
            for (pause, succeeds) in steps {
                now += pause;
                if now >= 2800 {
                    break;
                }
                if schedule.unknown_key(secs(now)) == Wait::NewFetch {
                    fetches.push(now);
                    if succeeds {
                        schedule.succeed(secs(now), secs(3600));
                    } else {
                        // A retry is due later, and is not a fetch for unknown keys.
                        schedule.fail(secs(now));
                        schedule.due_at = Duration::MAX;
                    }
                }
            }
            prop_assert!(fetches.windows(2).all(|pair| pair[1] - pair[0] >= 30), "{:?}", fetches);
        }
    }
}
