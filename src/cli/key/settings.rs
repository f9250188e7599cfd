//! The settings of a key as flags: the parsers that `key create` and `key update` share.
//!
//! Values are validated by the types of the model, like the fields of the API's bodies.

use crate::{
    cli::{
        Error,
        time_arg::{self, TimeArg},
    },
    model::{Quota, RateLimit, Scopes, Timestamp},
};

/// Parses one scope.
pub(super) fn scope(text: &str) -> Result<String, &'static str> {
    let scope = Scopes::new(&[text]).map(|_| text.to_owned());
    scope.ok_or("write 1 to 64 characters out of letters, digits, `:`, `.`, `_`, `*` and `-`")
}

/// Collects the scopes of a key.
pub(super) fn scopes(scopes: &[String]) -> Result<Scopes, Error> {
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    Scopes::new(&scopes).ok_or_else(|| Error::usage(format!("scopes {}", Scopes::RULE)))
}

/// Parses `100/60s`: a number of requests, a slash, and a duration of whole seconds.
pub(super) fn rate_limit(text: &str) -> Result<RateLimit, &'static str> {
    let read = || {
        let (limit, window) = text.split_once('/')?;
        let window =
            time_arg::parse_duration(window).filter(|window| window.subsec_nanos() == 0)?;
        RateLimit::new(limit.parse().ok()?, window.as_secs().try_into().ok()?)
    };
    read().ok_or(
        "write a number of requests from 1 to 1000000000, a slash, and a time from 1s to 31d, for instance 100/60s",
    )
}

/// Parses `10000/month`: a number of requests, a slash, and a period.
pub(super) fn quota(text: &str) -> Result<Quota, &'static str> {
    let read = || {
        let (limit, period) = text.split_once('/')?;
        Quota::new(limit.parse().ok()?, period.parse().ok()?)
    };
    read().ok_or(
        "write a number of requests from 1 to 1000000000, a slash, and `day` or `month`, for instance 10000/month",
    )
}

/// Returns the instant of an expiry, which must be in the future.
pub(super) fn expiry(expires: TimeArg, now: Timestamp) -> Result<Timestamp, Error> {
    let at = expires.after(now);
    if at <= now || at > Timestamp::MAX {
        return Err(Error::usage(format!(
            "--expires must be in the future and before the year 10000, but is {at}"
        )));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::QuotaPeriod;

    #[test]
    fn rate_limit_is_a_number_of_requests_and_a_time() {
        for (text, limit, window_seconds) in [
            ("100/60s", 100, 60),
            ("1/1m", 1, 60),
            ("5000/1h", 5000, 3600),
            ("1000000000/31d", 1_000_000_000, 2_678_400),
        ] {
            assert_eq!(
                rate_limit(text).ok(),
                RateLimit::new(limit, window_seconds),
                "{text}"
            );
            assert!(rate_limit(text).is_ok());
        }
        for text in [
            "",
            "100",
            "100/",
            "/60s",
            "100/60",
            "0/60s",
            "-1/60s",
            "1.5/60s",
            "100/0s",
            "100/32d",
            "100/1500ms",
            "100/60s/2",
            "1000000001/60s",
            "100 per 60s",
        ] {
            assert!(rate_limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn quota_is_a_number_of_requests_and_a_period() {
        for (text, limit, period) in [
            ("10000/month", 10_000, QuotaPeriod::Month),
            ("1/day", 1, QuotaPeriod::Day),
            ("1000000000/day", 1_000_000_000, QuotaPeriod::Day),
        ] {
            assert_eq!(quota(text).ok(), Quota::new(limit, period), "{text}");
            assert!(quota(text).is_ok());
        }
        for text in [
            "",
            "100",
            "100/",
            "/day",
            "0/day",
            "-1/day",
            "1.5/day",
            "1000000001/day",
            "100/week",
            "100/Day",
            "100/1d",
            "100/day/2",
        ] {
            assert!(quota(text).is_err(), "{text}");
        }
    }
}
