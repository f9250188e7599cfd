//! `llavero serve`: serves the API until a stop signal.
//!
//! [`database`] serves a database file, [`sandbox`] serves the sandbox from memory. Both use [`listeners`]. Invariant:
//! wrong combinations of flags are rejected before a file or an address is used.

mod database;
mod demo;
mod demo_data;
mod key_set;
mod listeners;
mod log;
mod maintenance;
mod sandbox;

use std::{net::SocketAddr, num::NonZeroU32, thread::available_parallelism};

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};

use self::{
    listeners::{LimitArgs, Listeners},
    log::LogArgs,
    maintenance::MaintenanceArgs,
    sandbox::SandboxClock,
};
use super::{
    Error, System,
    address::{self, ListenArgs},
    base_path::BasePathArgs,
    database::DatabaseArgs,
    explicit::WithSources,
    print, signal, stdout,
    token_key::TokenKeyArgs,
};
use crate::{api::Origin, dashboard::PublicUrl, logging, sandbox::DEFAULT_CLOCK};

/// The arguments of `llavero serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    listen: ListenArgs,

    #[command(flatten)]
    base: BasePathArgs,

    #[command(flatten)]
    limits: LimitArgs,

    /// Fill an empty database with demo organizations, print a link to the dashboard, tokens and curl commands, and allow web pages of this machine
    /// (localhost, any port) to call the API
    #[arg(long, env = "LLAVERO_DEMO", value_parser = BoolishValueParser::new())]
    demo: bool,

    /// Serve the sandbox, for documentation and tests: data in memory, and the same responses after every start
    #[arg(long, env = "LLAVERO_SANDBOX", value_parser = BoolishValueParser::new())]
    sandbox: bool,

    /// The clock of the sandbox: an instant from 2000 to 9998, at which the clock stands still, or `real`
    /// [default: 2026-01-15T12:00:00.000Z]
    #[arg(long, value_name = "INSTANT", env = "LLAVERO_CLOCK", value_parser = SandboxClock::parse)]
    clock: Option<SandboxClock>,

    #[command(flatten)]
    token_key: TokenKeyArgs,

    /// Require tokens to have AUDIENCE in their `aud`
    #[arg(long, value_name = "AUDIENCE", env = "LLAVERO_JWT_AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,

    /// Require tokens to have ISSUER as their `iss`
    #[arg(long, value_name = "ISSUER", env = "LLAVERO_JWT_ISSUER", value_parser = NonEmptyStringValueParser::new())]
    jwt_issuer: Option<String>,

    /// Allow web pages of ORIGIN to call the API, for instance `http://localhost:5173`. Can be given several times
    #[arg(long = "cors-origin", value_name = "ORIGIN", env = "LLAVERO_CORS_ORIGIN", num_args = 1.., value_delimiter = ',')]
    cors_origins: Vec<Origin>,

    /// The address at which browsers reach the server, for instance `https://keys.example.com` behind a proxy. Links for
    /// signing in to the dashboard begin with it [default: the listen address]
    #[arg(long, value_name = "URL", env = "LLAVERO_PUBLIC_URL")]
    public_url: Option<PublicUrl>,

    /// The number of database connections that read at the same time [default: the number of processors plus 2]
    #[arg(long, value_name = "N", env = "LLAVERO_POOL_SIZE", value_parser = pool_size)]
    pool_size: Option<NonZeroU32>,

    #[command(flatten)]
    maintenance: MaintenanceArgs,

    /// Serve metrics for Prometheus at /metrics on this address [default: no metrics]
    #[arg(long, value_name = "ADDRESS", env = "LLAVERO_METRICS_LISTEN", value_parser = address::parse)]
    metrics_listen: Option<SocketAddr>,

    #[command(flatten)]
    log: LogArgs,
}

/// Serves until a stop signal. Flushes the log before it returns.
pub(super) fn run(command: &WithSources<Args>, system: &System) -> Result<(), Error> {
    command.args.log.start()?;
    let served = serve(command, system);
    logging::flush();
    served
}

fn serve(command: &WithSources<Args>, system: &System) -> Result<(), Error> {
    let args = &command.args;
    check_flags(command)?;
    if args.sandbox {
        sandbox::run(args, system)
    } else {
        database::run(args, system)
    }
}

/// Rejects flags on the command line that do not apply.
fn check_flags(command: &WithSources<Args>) -> Result<(), Error> {
    if !command.args.sandbox {
        return if command.is_on_command_line("clock") {
            Err(Error::usage(
                "--clock sets the clock of the sandbox: add --sandbox, or leave out --clock",
            ))
        } else {
            Ok(())
        };
    }
    match command.first_on_command_line(&NOT_WITH_THE_SANDBOX) {
        Some(flag) => Err(Error::usage(format!(
            "{flag} has no effect on the sandbox: leave out {flag} or --sandbox"
        ))),
        None => Ok(()),
    }
}

/// The flags without effect on the sandbox: the name of the field in [`Args`], and the flag.
const NOT_WITH_THE_SANDBOX: [(&str, &str); 11] = [
    ("path", "--database"),
    ("demo", "--demo"),
    ("secret_file", "--jwt-secret-file"),
    ("secret", "--jwt-secret"),
    ("public_key", "--jwt-public-key"),
    ("key_set", "--jwt-jwks"),
    ("jwt_audience", "--jwt-audience"),
    ("jwt_issuer", "--jwt-issuer"),
    ("cors_origins", "--cors-origin"),
    ("daily_retention", "--daily-retention"),
    ("public_url", "--public-url"),
];

impl Args {
    /// Binds the listeners. Must be called within a tokio runtime.
    fn listen(&self) -> Result<Listeners, Error> {
        Listeners::bind(self.listen.address, self.limits.into(), self.metrics_listen)
    }

    fn sandbox_clock(&self) -> SandboxClock {
        self.clock.unwrap_or(SandboxClock::Frozen(DEFAULT_CLOCK))
    }

    fn readers(&self) -> NonZeroU32 {
        let processors = available_parallelism().map_or(2, usize::from);
        let default = u32::try_from(processors).unwrap_or(u32::MAX);
        let default = NonZeroU32::MIN.saturating_add(default.saturating_add(1));
        self.pool_size.unwrap_or(default)
    }
}

fn pool_size(text: &str) -> Result<NonZeroU32, &'static str> {
    let size = text.parse().ok();
    size.filter(|size: &NonZeroU32| size.get() <= 256)
        .ok_or("write a number from 1 to 256")
}
