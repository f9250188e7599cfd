//! Serving the sandbox: a world in memory, that ends with the process.
//!
//! No database is opened and none is made.

use std::{fmt, time::Duration};

use tokio::runtime::Runtime;

use super::{Args, Error, System, demo, log::log_stop};
use crate::{
    api,
    model::{Clock, Timestamp},
    sandbox::{Limits, Sandbox},
};

/// What the sandbox's clock may be set to: the demo reaches back more than a year, and some keys expire later.
const MIN_INSTANT: Timestamp = Timestamp::from_millis(946_684_800_000);
const MAX_INSTANT: Timestamp = Timestamp::from_millis(253_370_764_799_999);

/// What the sandbox's clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SandboxClock {
    /// What the machine's says.
    Real,
    /// This, always.
    Frozen(Timestamp),
}

impl SandboxClock {
    /// Reads an argument.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "real" {
            return Ok(Self::Real);
        }
        Timestamp::parse(text)
            .filter(|instant| (MIN_INSTANT..=MAX_INSTANT).contains(instant))
            .map(Self::Frozen)
            .ok_or(
                "write real, or an instant as 2026-01-15T12:00:00.000Z, from the year 2000 to 9998",
            )
    }

    fn clock(self, system: &System) -> Clock {
        match self {
            Self::Real => system.clock.clone(),
            Self::Frozen(instant) => Clock::from_fn(move || instant),
        }
    }
}

/// As the argument is written.
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
    listeners.serve(args, &banner, endpoint, metrics).await
}

fn banner(sandbox: &Sandbox, clock: SandboxClock, origin: &str, base: &str) -> String {
    let what = match clock {
        SandboxClock::Real => "Nothing is stored, and the clock is this machine's.".to_owned(),
        SandboxClock::Frozen(instant) => {
            format!(
                "The same answers at every start, and nothing is stored. The clock stands at {instant}."
            )
        }
    };
    let users = sandbox.users().iter();
    let users = users.map(|known| (&known.user, known.token.as_str()));
    let people = demo::list_users(users, &format!("{origin}{base}"));
    format!(
        "\nThe sandbox. {what}\n\n\
         Users and their bearer tokens, which never expire and open nothing else:\n\
         {people}\nThe start page: {origin}/sandbox\nThe interactive reference: {origin}/docs\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::DEFAULT_CLOCK;

    #[test]
    fn the_clock_is_real_or_stands_at_an_instant() {
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
