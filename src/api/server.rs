//! Connections: accepting them, their limits, and letting them go.
//!
//! poem's own server has no header timeout, no cap on connections, and a shutdown that can wait for ever
//! (poem issue 661), so llavero accepts and hands each request to poem's endpoint itself. HTTP/1.1 only: TLS
//! and HTTP/2 belong to the proxy in front.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use poem::{
    Request,
    http::{self, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use super::Service;

/// Connections at once; more wait in the listener's queue.
const MOST_CONNECTIONS: usize = 1024;
/// How long the head of a request may take, and how long a connection may idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may leave what is written to it unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests in flight may take to finish after the stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// hyper's hard limits on a request's head; the envelope's limits, below these, answer with the error shape.
const HEAD_BUFFER: usize = 64 * 1024;
const MOST_HEADERS: usize = 256;

/// Serves `endpoint` on `listener` until `stop` resolves; then finishes what is in flight, for at most ten
/// seconds.
pub async fn serve(listener: TcpListener, endpoint: impl Service, stop: impl Future<Output = ()>) {
    let endpoint = Arc::new(endpoint);
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = async {
            // Never closed, so the permit always comes.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (accept(&listener).await, slot)
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            ((stream, remote), slot) = accepted => {
                let watcher = connections.watcher();
                let endpoint = Arc::clone(&endpoint);
                tokio::spawn(async move {
                    connection(stream, remote, endpoint, watcher).await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight after {DRAIN_TIMEOUT:?}: cutting them off");
    }
}

/// The next connection. A failure to accept is passing (a peer that left) or wants time (no file descriptor
/// is free): it is waited out, longer each time, and never fatal.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(50);
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_peers_fault(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections, trying again in {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    remote: SocketAddr,
    endpoint: Arc<impl Service>,
    watcher: Watcher,
) {
    // Answers are one small write each; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(remote);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let endpoint = Arc::clone(&endpoint);
        async move {
            let local = LocalAddr(local.into());
            let remote = RemoteAddr(remote.into());
            let request = Request::from((request, local, remote, Scheme::HTTP));
            let response = endpoint.get_response(request).await;
            Ok::<_, Infallible>(http::Response::from(response))
        }
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // An error here is the peer's: it left, was too slow, or does not speak HTTP and was told so, by hyper, in
    // an answer without a body.
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!(%error, "connection ended");
    }
}
