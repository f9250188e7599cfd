//! An endpoint served on a free port by this process, and how it is reached: connection limits, CORS.

use std::num::NonZeroUsize;

use llavero::{
    api::{self, ConnectionLimits, Cors, Service},
    dashboard::PublicUrl,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The one origin whose pages may use the API.
pub(crate) const PAGE: &str = "http://localhost:5173";

/// An endpoint that is served on a port of its own.
pub(crate) struct LocalServer {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl LocalServer {
    pub(crate) async fn start(endpoint: impl Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, endpoint, limits(1024, 0))
    }

    /// Serves on a listener that may have connections already.
    pub(crate) fn start_on(
        listener: TcpListener,
        endpoint: impl Service,
        limits: ConnectionLimits,
    ) -> Self {
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(api::serve(listener, endpoint, limits, async {
            let _ = stopped.await;
        }));
        Self {
            origin,
            stop,
            served,
        }
    }

    /// Stops serving and waits for it.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
    }
}

/// Where and how the service is reached.
pub(super) struct Http {
    pub(super) listener: TcpListener,
    pub(super) limits: ConnectionLimits,
    pub(super) cors: Cors,
    pub(super) public_url: Option<PublicUrl>,
}

impl Http {
    /// On a free port, without a limit per address.
    pub(super) async fn new(cors: Cors) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            limits: limits(1024, 0),
            cors,
            public_url: None,
        }
    }
}

/// Connection limits; 0 connections per address means no limit.
pub(crate) fn limits(total: usize, per_address: usize) -> ConnectionLimits {
    ConnectionLimits {
        total: NonZeroUsize::new(total).unwrap(),
        per_address: NonZeroUsize::new(per_address),
    }
}

/// Allows [`PAGE`] and no other origin.
pub(super) fn page_only() -> Cors {
    Cors::Only(vec![PAGE.parse().unwrap()])
}
