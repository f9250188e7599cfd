//! The listeners of `serve`: binds the addresses, prints them, and serves until the process is stopped.
//!
//! Called by [`super::database`] and [`super::sandbox`]. Invariant: the addresses are bound before the database is
//! opened, so that a second start by mistake changes nothing, and printed when the endpoints are ready.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    num::NonZeroUsize,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
};

use super::{Args, Error, address, log::log_start, print, signal, stdout};
use crate::api::{self, ConnectionLimits, Service};

/// The maximum number of connections that wait to be accepted. The kernel limits it to `net.core.somaxconn`, 4096 by
/// default. If the backlog is full, clients retry after a second or later.
const BACKLOG: u32 = 4096;

/// The connection limits of the metrics. A scraper needs one connection.
const METRICS_LIMITS: ConnectionLimits = ConnectionLimits {
    total: NonZeroUsize::new(64).unwrap(),
    per_address: None,
};

/// The connection limits of the API.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct LimitArgs {
    /// The maximum number of connections. A further connection gets a 503, or replaces one that has not sent a request yet
    #[arg(
        long,
        value_name = "N",
        default_value = "1024",
        env = "LLAVERO_MAX_CONNECTIONS",
        value_parser = parse_total
    )]
    max_connections: NonZeroUsize,

    /// The maximum number of connections from one address (IPv6: one /64); 0 for no limit, for instance behind a
    /// reverse proxy
    #[arg(
        long,
        value_name = "N",
        default_value = "512",
        env = "LLAVERO_MAX_CONNECTIONS_PER_ADDRESS"
    )]
    max_connections_per_address: usize,
}

fn parse_total(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "write a number of at least 1")
}

impl From<LimitArgs> for ConnectionLimits {
    fn from(args: LimitArgs) -> Self {
        Self {
            total: args.max_connections,
            per_address: NonZeroUsize::new(args.max_connections_per_address),
        }
    }
}

/// The bound listeners of `serve`.
pub(super) struct Listeners {
    api: TcpListener,
    limits: ConnectionLimits,
    metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds the ports. Must be called within a tokio runtime.
    pub(super) fn bind(
        api: SocketAddr,
        limits: ConnectionLimits,
        metrics: Option<SocketAddr>,
    ) -> Result<Self, Error> {
        let api = listen(api, "--listen")?;
        let metrics = metrics.map(|address| listen(address, "--metrics-listen"));
        Ok(Self {
            api,
            limits,
            metrics: metrics.transpose()?,
        })
    }

    /// Returns the URL of the server for clients on this machine, for instance `http://127.0.0.1:3001`.
    pub(super) fn origin(&self) -> Result<String, Error> {
        let address = self.api.local_addr()?;
        Ok(format!("http://{}", address::reachable(address)))
    }

    /// Returns the URL of the server for browsers on this machine, for instance `http://localhost:3001`.
    pub(super) fn browser_origin(&self) -> Result<String, Error> {
        let address = address::reachable(self.api.local_addr()?);
        Ok(if address.ip().is_loopback() {
            format!("http://localhost:{}", address.port())
        } else {
            format!("http://{address}")
        })
    }

    /// Returns the addresses of the API and of the metrics.
    pub(super) fn addresses(&self) -> Result<(SocketAddr, Option<SocketAddr>), Error> {
        let metrics = self.metrics.as_ref().map(TcpListener::local_addr);
        Ok((self.api.local_addr()?, metrics.transpose()?))
    }

    /// Announces the start, awaits `start`, and serves until a stop signal. `start` begins work that logs, because the line of
    /// the start is the first one.
    pub(super) async fn serve(
        self,
        args: &Args,
        banner: &str,
        api: impl Service,
        metrics: impl Service,
        start: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let stop = signal::stop()?;
        self.announce(args, banner)?;
        start.await;

        // Dropping the sender stops both servers.
        let (running, stopped) = watch::channel(());
        tokio::spawn(async move {
            stop.await;
            drop(running);
        });
        let until_stop = || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.changed().await;
            }
        };
        let api = api::serve(self.api, api, self.limits, until_stop());
        match self.metrics {
            Some(listener) => {
                let metrics = api::serve(listener, metrics, METRICS_LIMITS, until_stop());
                tokio::join!(api, metrics);
            }
            None => api.await,
        }
        Ok(())
    }

    /// Prints the addresses and `banner`, and logs the start.
    fn announce(&self, args: &Args, banner: &str) -> Result<(), Error> {
        let (address, metrics_address) = self.addresses()?;
        let base = args.base.base_path.as_str();
        let metrics =
            metrics_address.map(|address| format!("metrics on http://{address}/metrics\n"));
        let metrics = metrics.unwrap_or_default();
        let lines = format!("listening on http://{address}{base}\n{metrics}{banner}");
        // Logs first for a stream: a program that has read the output finds the start in the log. Prints first to a file,
        // which can be full: the error is then the only line of the log.
        if stdout::is_stream() {
            log_start(args, self)?;
            print(&lines)
        } else {
            print(&lines)?;
            log_start(args, self)
        }
    }
}

fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Error> {
    bind(address).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => "stop the process that uses the port, or choose another port",
            _ => "choose another address or port",
        };
        Error::usage(format!(
            "cannot listen on {address}: {error}; {remedy} with {flag}"
        ))
    })
}

/// Binds a listener like [`TcpListener::bind`], with a longer backlog.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Allows a restart while old connections are in TIME_WAIT. On Windows the option would share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
