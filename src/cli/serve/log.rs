//! The flags of the log, and the lines that log the start and the stop of the server.
//!
//! Used by the rest of `serve`. The line `started` has the version and the configuration. Invariant: it contains no secret.
//! A secret on the command line appears as `secret`, a file as its path.

use std::num::NonZeroUsize;

use clap::ValueEnum;

use super::{Args, Error, Listeners};
use crate::{api::ConnectionLimits, logging, store};

/// The flags of the log.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// The format of log lines, which are written to standard error
    #[arg(long, value_enum, default_value_t, env = "LLAVERO_LOG_FORMAT")]
    log_format: LogFormat,

    /// Log events of this level and above. Requests to /healthz, /readyz and /metrics are logged at `debug`, other requests
    /// at `info`, and responses with a status of 500 or above at `error`
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        default_value_t,
        env = "LLAVERO_LOG_LEVEL"
    )]
    log_level: LogLevel,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

impl LogFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl LogLevel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl LogArgs {
    /// Starts the log.
    pub(super) fn start(&self) -> Result<(), Error> {
        let level = match self.log_level {
            LogLevel::Error => tracing::Level::ERROR,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Debug => tracing::Level::DEBUG,
        };
        Ok(logging::start(
            matches!(self.log_format, LogFormat::Json),
            level,
        )?)
    }
}

/// Logs the version and the configuration of the server.
pub(super) fn log_start(args: &Args, listeners: &Listeners) -> Result<(), Error> {
    let (address, metrics_address) = listeners.addresses()?;
    let database = (!args.sandbox).then(|| args.database.path.to_string_lossy());
    let clock = args.sandbox.then(|| args.sandbox_clock().to_string());
    let limits = ConnectionLimits::from(args.limits);
    let jwt_key = (!args.sandbox).then(|| args.token_key.description());
    let origins: Vec<_> = args.cors_origins.iter().map(ToString::to_string).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = database.as_deref(),
        sandbox.clock = clock,
        demo = args.demo,
        listen = address.to_string(),
        metrics_listen = metrics_address.map(|address| address.to_string()),
        base_path = args.base.base_path.as_str(),
        jwt_key,
        jwt_audience = args.jwt_audience,
        jwt_issuer = args.jwt_issuer,
        public_url = args.public_url.as_ref().map(ToString::to_string),
        cors_origins = (!origins.is_empty()).then(|| origins.join(",")),
        max_connections = limits.total.get(),
        max_connections_per_address = limits.per_address.map_or(0, NonZeroUsize::get),
        pool_size = args.readers().get(),
        log_format = args.log.log_format.as_str(),
        log_level = args.log.log_level.as_str(),
        daily_retention_days = (!args.sandbox).then_some(args.maintenance.daily_retention.days),
        "started"
    );
    warn_about_build_flags()
}

/// Logs a warning if SQLite was compiled without the project's flags.
fn warn_about_build_flags() -> Result<(), Error> {
    if !store::has_build_flags()? {
        tracing::warn!(
            "SQLite was compiled without the flags in .cargo/config.toml, so reads take about twice as long: build llavero in \
             a checkout of its repository"
        );
    }
    Ok(())
}

/// Logs that the server has stopped after its last response.
pub(super) fn log_stop() {
    tracing::info!("stopped");
}
