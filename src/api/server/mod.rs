//! The HTTP server: accepts connections, limits their number, and drains them when told to stop.
//!
//! poem's own server has no timeout for request heads, no connection limit, and a shutdown without a deadline (poem
//! issue 661). This one therefore accepts connections itself and hands each request to poem's endpoint. It speaks
//! HTTP/1.1 only: TLS and HTTP/2 belong to the proxy in front.
//!
//! [`connection`] serves one connection, [`slot`] counts it against the limits of [`connection_limit`], and [`linger`]
//! closes it so that the client can read the last response.

mod connection;
mod connection_limit;
mod linger;
mod slot;
mod stream;
mod unread_body;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

pub use self::connection_limit::ConnectionLimits;
pub(super) use self::slot::Refused;
use self::{connection::Connection, slot::Slots};
use super::Service;

/// The time that requests in flight have to finish after the stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves `endpoint` on `listener` until `stop` resolves; then finishes the requests in flight, for at most ten
/// seconds.
pub async fn serve(
    listener: TcpListener,
    endpoint: impl Service,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let endpoint = Arc::new(endpoint);
    let slots = Slots::new(limits);
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            (stream, remote) = accept(&listener, &slots) => {
                let connection = Connection {
                    endpoint: Arc::clone(&endpoint),
                    remote,
                    slot: slots.take(remote.ip()),
                    request_watcher: graceful.watcher(),
                    linger_watcher: graceful.watcher(),
                };
                tokio::spawn(connection.serve(stream));
            }
        }
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight after {DRAIN_TIMEOUT:?}: cutting them off");
    }
}

/// Accepts the next connection. An error is never fatal: either the peer has left, or file descriptors have run out.
/// In the second case a connection that waits for its first request is closed, and the next attempt follows after a
/// pause.
async fn accept(listener: &TcpListener, slots: &Slots) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(50);
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_peer_error(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections, trying again in {pause:?}");
                slots.evict_oldest();
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
