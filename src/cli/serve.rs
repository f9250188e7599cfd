//! `llavero serve`: opens the database, listens, answers until it is told to stop, and tidies up.
//!
//! Order matters: whatever can be refused is refused before the database is touched, and the port is taken
//! before that too, so that a second start by mistake changes nothing.

use std::{
    io::ErrorKind, net::SocketAddr, num::NonZeroU32, thread::available_parallelism, time::Duration,
};

use clap::{
    ValueEnum,
    builder::{BoolishValueParser, NonEmptyStringValueParser},
};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

use super::{
    Error, Host,
    address::{self, ListenArgs},
    database::DatabaseArgs,
    demo, print, signal,
    trust::{Trust, TrustArgs},
};
use crate::{
    api::{self, BasePath, Cors, Origin},
    app::App,
    demo::Demo,
    logging,
    model::Timestamp,
    store::{OpenOptions, Store},
    token::{Expected, HmacSecret, TrustedKey},
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

/// Where it listens.
struct Listeners {
    api: TcpListener,
    metrics: Option<TcpListener>,
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
        let trust = self.trust.read()?;
        let runtime = Runtime::new()?;
        let listeners = runtime.block_on(self.listen())?;
        let store = Store::open(&self.database.path, &self.open_options(host)?)?;
        let served = runtime.block_on(self.serve(host, listeners, store.clone(), trust));
        // Requests that outlived their grace still hold the store: they end with the runtime.
        runtime.shutdown_timeout(Duration::from_secs(1));
        store.close();
        served
    }

    async fn listen(&self) -> Result<Listeners, Error> {
        let api = listen(self.listen.address, "--listen").await?;
        let metrics = match self.metrics_listen {
            Some(address) => Some(listen(address, "--metrics-listen").await?),
            None => None,
        };
        Ok(Listeners { api, metrics })
    }

    fn open_options(&self, host: &Host) -> Result<OpenOptions, Error> {
        let processors = available_parallelism().map_or(2, usize::from);
        let default = u32::try_from(processors).unwrap_or(u32::MAX);
        let default = NonZeroU32::MIN.saturating_add(default.saturating_add(1));
        Ok(OpenOptions {
            readers: self.pool_size.unwrap_or(default),
            new_signing_secret: host.random.bytes()?,
        })
    }

    async fn serve(
        &self,
        host: &Host,
        listeners: Listeners,
        store: Store,
        trust: Trust,
    ) -> Result<(), Error> {
        let (clock, random) = (host.clock.clone(), host.random.clone());
        let (trusted, signer) = keys(trust, &store).await?;
        let stop = signal::stop()?;
        let address = listeners.api.local_addr()?;
        let mut greeting = format!("listening on http://{address}{}\n", self.base_path.as_str());
        if let Some(metrics) = &listeners.metrics {
            greeting += "metrics on http://";
            greeting += &metrics.local_addr()?.to_string();
            greeting += "/metrics\n";
        }
        if self.demo {
            greeting += &self
                .demo(&store, signer.as_ref(), address, clock.now())
                .await?;
        }
        let request_seed = u64::from_ne_bytes(random.bytes()?);
        let app = App::new(store, trusted, self.expected(), clock, random);
        let cors = Cors::Only(self.cors_origins.clone());
        let endpoint = api::endpoint(&app, &self.base_path, cors, request_seed)?;
        let metrics = api::metrics_endpoint(&app, !request_seed);
        drop(app);
        print(&greeting)?;

        // Both end when the sender is dropped.
        let (running, stopped) = watch::channel(());
        tokio::spawn(async move {
            stop.await;
            drop(running);
        });
        let told = || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.changed().await;
            }
        };
        let api = api::serve(listeners.api, endpoint, told());
        match listeners.metrics {
            Some(listener) => drop(tokio::join!(api, api::serve(listener, metrics, told()))),
            None => api.await,
        }
        Ok(())
    }

    /// Loads the demo into an empty database; what to print of it.
    async fn demo(
        &self,
        store: &Store,
        signer: Option<&HmacSecret>,
        address: SocketAddr,
        now: Timestamp,
    ) -> Result<String, Error> {
        let demo = Demo::load()?;
        store.seed_if_empty(demo.seed(now)).await?;
        let origin = format!("http://{}", address::reachable(address));
        let api = format!("{origin}{}", self.base_path.as_str());
        let tokens = match signer {
            Some(secret) => demo::greeting(&demo, secret, &self.expected(), &api, now)?,
            None => demo::NO_SIGNER.to_owned(),
        };
        Ok(format!(
            "{tokens}\nThe interactive reference: {origin}/docs\n"
        ))
    }

    fn expected(&self) -> Expected {
        Expected {
            audience: self.jwt_audience.clone(),
            issuer: self.jwt_issuer.clone(),
        }
    }
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let cure = match error.kind() {
            ErrorKind::AddrInUse => "stop the process that uses the port, or choose another",
            _ => "choose another address or port",
        };
        Error::refused(format!(
            "cannot listen on {address}: {error}; {cure} with {flag}"
        ))
    })
}

fn pool_size(text: &str) -> Result<NonZeroU32, &'static str> {
    let size = text.parse().ok();
    size.filter(|size: &NonZeroU32| size.get() <= 256)
        .ok_or("write a number from 1 to 256")
}

/// The key to check tokens with, and the secret to sign with, where there is one.
async fn keys(trust: Trust, store: &Store) -> Result<(TrustedKey, Option<HmacSecret>), Error> {
    let secret = match trust {
        Trust::PublicKey(key) => return Ok((key, None)),
        Trust::Secret(secret) => secret,
        Trust::OfTheDatabase => HmacSecret::from(store.signing_secret().await?),
    };
    Ok((TrustedKey::from_secret(&secret), Some(secret)))
}
