//! Where a server listens, and its life from the first connection to the last.
//!
//! Bound before anything else is touched, so that a second start by mistake changes nothing; what is said on standard
//! output is said when everything stands.

use std::{io::ErrorKind, net::SocketAddr};

use tokio::{net::TcpListener, sync::watch};

use super::{Error, address, print, signal};
use crate::api::{self, BasePath, Service};

/// Where it listens.
pub(super) struct Listeners {
    api: TcpListener,
    metrics: Option<TcpListener>,
}

impl Listeners {
    /// Takes the ports.
    pub(super) async fn bind(api: SocketAddr, metrics: Option<SocketAddr>) -> Result<Self, Error> {
        let api = listen(api, "--listen").await?;
        let metrics = match metrics {
            Some(address) => Some(listen(address, "--metrics-listen").await?),
            None => None,
        };
        Ok(Self { api, metrics })
    }

    /// Where a client on this machine finds the server: `http://127.0.0.1:3001`.
    pub(super) fn origin(&self) -> Result<String, Error> {
        let address = self.api.local_addr()?;
        Ok(format!("http://{}", address::reachable(address)))
    }

    /// Says where it listens, and then `greeting`; answers until the process is told to stop.
    pub(super) async fn serve(
        self,
        base: &BasePath,
        greeting: &str,
        api: impl Service,
        metrics: impl Service,
    ) -> Result<(), Error> {
        let stop = signal::stop()?;
        let base = base.as_str();
        let mut lines = format!("listening on http://{}{base}\n", self.api.local_addr()?);
        if let Some(metrics) = &self.metrics {
            lines += "metrics on http://";
            lines += &metrics.local_addr()?.to_string();
            lines += "/metrics\n";
        }
        print(&(lines + greeting))?;

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
        let api = api::serve(self.api, api, told());
        match self.metrics {
            Some(listener) => drop(tokio::join!(api, api::serve(listener, metrics, told()))),
            None => api.await,
        }
        Ok(())
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
