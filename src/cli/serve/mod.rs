//! `llavero serve`: answers until it is told to stop.
//!
//! From a database file, in [`database`], or from a world in memory, in [`sandbox`]. What both share is in
//! [`listeners`].

mod database;
mod demo;
mod listeners;
mod sandbox;

use std::{net::SocketAddr, num::NonZeroU32, thread::available_parallelism};

use clap::{
    ValueEnum,
    builder::{BoolishValueParser, NonEmptyStringValueParser},
};

use self::{listeners::Listeners, sandbox::SandboxClock};
use super::{
    Error, Host,
    address::{self, ListenArgs},
    database::DatabaseArgs,
    print, signal,
    trust::TrustArgs,
};
use crate::{
    api::{BasePath, Origin},
    logging,
};

/// The arguments of `llavero serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    listen: ListenArgs,

    /// The path that the API is served under; `/` for none
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/api",
        env = "LLAVERO_BASE_PATH"
    )]
    base_path: BasePath,

    /// Fill an empty database with demo organizations, and print tokens and curl lines to try
    #[arg(long, env = "LLAVERO_DEMO", value_parser = BoolishValueParser::new())]
    demo: bool,

    /// Serve the sandbox: the same data and answers at every start, in memory, for documentation and tests
    #[arg(long, env = "LLAVERO_SANDBOX", value_parser = BoolishValueParser::new())]
    sandbox: bool,

    /// What the sandbox's clock says: an instant, at which it stands still, or `real`
    /// [default: 2026-01-15T12:00:00.000Z]
    #[arg(long, value_name = "INSTANT", env = "LLAVERO_CLOCK", value_parser = SandboxClock::parse)]
    clock: Option<SandboxClock>,

    #[command(flatten)]
    trust: TrustArgs,

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

    /// How log lines are written, on standard error
    #[arg(long, value_enum, default_value_t, env = "LLAVERO_LOG_FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Args {
    pub(super) fn run(self, host: &Host) -> Result<(), Error> {
        logging::start(matches!(self.log_format, LogFormat::Json));
        self.check()?;
        if self.sandbox {
            sandbox::run(&self, host)
        } else {
            database::run(&self, host)
        }
    }

    /// What does not go together. clap would count a variable that says `false` as well.
    fn check(&self) -> Result<(), Error> {
        if !self.sandbox {
            return match self.clock {
                Some(_) => Err(Error::refused(
                    "--clock sets the clock of the sandbox: add --sandbox, or leave it out",
                )),
                None => Ok(()),
            };
        }
        let useless = [
            (self.database.is_named, "--database"),
            (self.demo, "--demo"),
            (self.trust.is_given(), "the --jwt-… flags"),
            (self.jwt_audience.is_some(), "--jwt-audience"),
            (self.jwt_issuer.is_some(), "--jwt-issuer"),
            (!self.cors_origins.is_empty(), "--cors-origin"),
        ];
        match useless.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) => Err(Error::refused(format!(
                "--sandbox has data, tokens and visitors of its own: leave out {flag}"
            ))),
            None => Ok(()),
        }
    }

    async fn listen(&self) -> Result<Listeners, Error> {
        Listeners::bind(self.listen.address, self.metrics_listen).await
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
