//! `llavero serve --sandbox`: serves data in memory, which ends with the process.
//!
//! Called by [`super::run`]. Invariant: no database file is opened or created.

use std::{fmt, time::Duration};

use tokio::runtime::Runtime;

use super::{Args, Error, System, demo, log::log_stop};
use crate::{
    api,
    model::{Clock, Timestamp},
    sandbox::{Limits, Sandbox},
};

/// The range of the sandbox's clock. The data reaches back more than a year, and some keys expire later than the clock.
const MIN_INSTANT: Timestamp = Timestamp::from_millis(946_684_800_000);
const MAX_INSTANT: Timestamp = Timestamp::from_millis(253_370_764_799_999);

/// The clock of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SandboxClock {
    /// The clock of the machine.
    Real,
    /// A clock that stands still at an instant.
    Frozen(Timestamp),
}

impl SandboxClock {
    /// Parses an argument.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "real" {
            return Ok(Self::Real);
        }
        Timestamp::parse(text)
            .filter(|instant| (MIN_INSTANT..=MAX_INSTANT).contains(instant))
            .map(Self::Frozen)
            .ok_or(
                "write real, or an instant from the year 2000 to 9998, for instance 2026-01-15T12:00:00.000Z",
            )
    }

    fn clock(self, system: &System) -> Clock {
        match self {
            Self::Real => system.clock.clone(),
            Self::Frozen(instant) => Clock::from_fn(move || instant),
        }
    }
}

/// Formats the clock as its argument.
impl fmt::Display for SandboxClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Frozen(instant) => instant.fmt(f),
        }
    }
}

pub(super) fn run(args: &Args, system: &System) -> Result<(), Error> {
    let runtime = Runtime::new()?;
    let served = runtime.block_on(serve(args, system));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.inspect(|()| log_stop())
}

async fn serve(args: &Args, system: &System) -> Result<(), Error> {
    let listeners = args.listen()?;
    let clock = args.sandbox_clock();
    let time = system.clock.clone();
    let sandbox =
        Sandbox::start(clock.clock(system), time, args.readers(), Limits::default()).await?;
    let request_seed = u64::from_ne_bytes(system.random.bytes()?);
    let endpoint = api::sandbox_endpoint(&sandbox, &args.base.base_path, request_seed).await?;
    let metrics = api::metrics_endpoint(sandbox.app(), !request_seed);
    let banner = banner(
        &sandbox,
        clock,
        &listeners.origin()?,
        args.base.base_path.as_str(),
    );
    drop(sandbox);
    let start = std::future::ready(());
    listeners
        .serve(args, &banner, endpoint, metrics, start)
        .await
}

fn banner(sandbox: &Sandbox, clock: SandboxClock, origin: &str, base: &str) -> String {
    let properties = match clock {
        SandboxClock::Real => {
            "Data is kept in memory. The clock is the clock of this machine.".to_owned()
        }
        SandboxClock::Frozen(instant) => {
            format!(
                "Data is kept in memory, and responses are the same after every start. The clock stands at {instant}."
            )
        }
    };
    let users = sandbox.users().iter();
    let users = users.map(|known| (&known.user, known.token.as_str()));
    let users = demo::list_users(users, &format!("{origin}{base}"));
    format!(
        "\nThe sandbox. {properties}\n\n\
         Users and their bearer tokens, which never expire and are valid only for sandboxes:\n\
         {users}\nThe start page: {origin}/sandbox\nThe interactive reference: {origin}/docs\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::DEFAULT_CLOCK;

    #[test]
    fn clock_is_real_or_stands_at_an_instant() {
        let noon = SandboxClock::parse("2026-01-15T12:00:00.000Z");
        assert_eq!(noon, Ok(SandboxClock::Frozen(DEFAULT_CLOCK)));
        assert_eq!(SandboxClock::parse("real"), Ok(SandboxClock::Real));
        for wrong in [
            "",
            "now",
            "2026-01-15",
            "1999-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert!(SandboxClock::parse(wrong).is_err(), "{wrong}");
        }
    }
}
