//! `llavero serve`: answers until it is told to stop.
//!
//! From a database file, in [`database`], or from a world in memory, in [`sandbox`]. What both share is in
//! [`listeners`].

mod database;
mod demo;
mod demo_data;
mod listeners;
mod log;
mod sandbox;

use std::{net::SocketAddr, num::NonZeroU32, thread::available_parallelism};

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};

use self::{
    listeners::{LimitArgs, Listeners},
    log::LogArgs,
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
use crate::{api::Origin, logging, sandbox::DEFAULT_CLOCK};

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

    /// Fill an empty database with demo organizations, print tokens and curl lines to try, and let web pages of this
    /// machine (localhost, any port) call the API
    #[arg(long, env = "LLAVERO_DEMO", value_parser = BoolishValueParser::new())]
    demo: bool,

    /// Serve the sandbox: the same data and answers at every start, in memory, for documentation and tests
    #[arg(long, env = "LLAVERO_SANDBOX", value_parser = BoolishValueParser::new())]
    sandbox: bool,

    /// What the sandbox's clock says: an instant from 2000 to 9998, at which it stands still, or `real`
    /// [default: 2026-01-15T12:00:00.000Z]
    #[arg(long, value_name = "INSTANT", env = "LLAVERO_CLOCK", value_parser = SandboxClock::parse)]
    clock: Option<SandboxClock>,

    #[command(flatten)]
    token_key: TokenKeyArgs,

    /// Require tokens whose `aud` is or contains AUDIENCE
    #[arg(long, value_name = "AUDIENCE", env = "LLAVERO_JWT_AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,

    /// Require tokens whose `iss` is ISSUER
    #[arg(long, value_name = "ISSUER", env = "LLAVERO_JWT_ISSUER", value_parser = NonEmptyStringValueParser::new())]
    jwt_issuer: Option<String>,

    /// Let web pages of ORIGIN use the API, for instance `http://localhost:5173`; may be given several times
    #[arg(long = "cors-origin", value_name = "ORIGIN", env = "LLAVERO_CORS_ORIGIN", num_args = 1.., value_delimiter = ',')]
    cors_origins: Vec<Origin>,

    /// How many database connections read at once [default: two more than there are processors]
    #[arg(long, value_name = "N", env = "LLAVERO_POOL_SIZE", value_parser = pool_size)]
    pool_size: Option<NonZeroU32>,

    /// Answer GET /metrics, for Prometheus, on this address too [default: nowhere]
    #[arg(long, value_name = "ADDRESS", env = "LLAVERO_METRICS_LISTEN", value_parser = address::parse)]
    metrics_listen: Option<SocketAddr>,

    #[command(flatten)]
    log: LogArgs,
}

/// Serves until the process is told to stop. The log is written when this returns.
pub(super) fn run(command: &WithSources<Args>, system: &System) -> Result<(), Error> {
    command.args.log.start()?;
    let served = serve(command, system);
    logging::flush();
    served
}

fn serve(command: &WithSources<Args>, system: &System) -> Result<(), Error> {
    let args = &command.args;
    check(command)?;
    if args.sandbox {
        sandbox::run(args, system)
    } else {
        database::run(args, system)
    }
}

/// What does not go together.
fn check(command: &WithSources<Args>) -> Result<(), Error> {
    if !command.args.sandbox {
        return if command.is_on_command_line("clock") {
            Err(Error::usage(
                "--clock sets the clock of the sandbox: add --sandbox, or leave it out",
            ))
        } else {
            Ok(())
        };
    }
    match NOT_WITH_THE_SANDBOX
        .iter()
        .find(|(name, _)| command.is_on_command_line(name))
    {
        Some((_, flag)) => Err(Error::usage(format!(
            "--sandbox has data, tokens and visitors of its own: leave out {flag}"
        ))),
        None => Ok(()),
    }
}

/// By the names of their fields.
const NOT_WITH_THE_SANDBOX: [(&str, &str); 8] = [
    ("path", "--database"),
    ("demo", "--demo"),
    ("secret_file", "--jwt-secret-file"),
    ("secret", "--jwt-secret"),
    ("public_key", "--jwt-public-key"),
    ("jwt_audience", "--jwt-audience"),
    ("jwt_issuer", "--jwt-issuer"),
    ("cors_origins", "--cors-origin"),
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
