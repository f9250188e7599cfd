//! The maintenance of a database file: a task of `serve` that runs at the start and then hourly.
//!
//! Started by [`super::database`], and ended with the server. It updates kept counts and deletes the oldest days of keys,
//! in portions that are committed with other writes. Invariant: an error is logged and retried an hour later; requests do
//! not depend on it.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    cli::time_arg::parse_duration,
    model::{Clock, Timestamp},
    store::{Error, Store},
};

const INTERVAL: Duration = Duration::from_hours(1);

const DAY: Duration = Duration::from_hours(24);

/// The flags of the maintenance.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct MaintenanceArgs {
    /// Keep the usage of each key by day for DURATION, at least 62 days. Totals, and the days of organizations, are kept
    /// for ever
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "400d",
        env = "LLAVERO_DAILY_RETENTION",
        value_parser = Retention::parse
    )]
    pub(super) daily_retention: Retention,
}

/// How long the days of keys are kept, in whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    pub(super) days: u32,
}

impl Retention {
    /// Two months: a monthly quota needs the days of the current one.
    const MIN_DAYS: u32 = 62;

    fn parse(text: &str) -> Result<Self, &'static str> {
        let days = parse_duration(text)
            .map(|duration| duration.as_secs() / DAY.as_secs())
            .and_then(|days| u32::try_from(days).ok());
        match days {
            Some(days) if days >= Self::MIN_DAYS => Ok(Self { days }),
            _ => Err("write a duration of at least 62 days, for example 400d"),
        }
    }
}

/// Maintains the database at once and then hourly.
pub(super) async fn run(store: Store, clock: Clock, args: MaintenanceArgs) {
    let mut hourly = interval(INTERVAL);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        hourly.tick().await;
        if let Err(error) = maintain(&store, clock.now(), args.daily_retention).await {
            tracing::warn!(%error, "maintenance failed; the next attempt is in an hour");
        }
    }
}

async fn maintain(store: &Store, now: Timestamp, retention: Retention) -> Result<(), Error> {
    store.advance_key_counts(now).await?;
    let first_kept = now.day().minus(retention.days.into());
    store.delete_key_days_before(first_kept).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_whole_days_and_at_least_62() {
        for (text, days) in [("62d", 62), ("400d", 400), ("62d23h", 62), ("9w", 63)] {
            assert_eq!(Retention::parse(text), Ok(Retention { days }), "{text}");
        }
        for text in [
            "61d",
            "61d23h59m",
            "0d",
            "-400d",
            "400",
            "1y",
            "",
            "99999999999d",
        ] {
            assert!(Retention::parse(text).is_err(), "{text}");
        }
    }
}
