//! One connection: HTTP/1.1 by hyper, from its first byte to its close.
//!
//! Each request becomes a request of poem's. After the response, a connection whose request body was not read gets
//! `Connection: close` and lingers; so does one whose request hyper could not parse.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http_body_util::combinators::BoxBody;
use hyper::{
    body::{Body as _, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use poem::{
    Body, Request, RequestParts,
    http::{self, HeaderValue, Method, header, request::Parts, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{net::TcpStream, select};

use super::{
    connection_limit::Admission,
    linger::Linger,
    slot::{Refused, Slot},
    stream::ConnectionStream,
    unread_body::{TrackedBody, UnreadBody},
};
use crate::api::Service;

/// The time that a request head may take, and that a connection may idle between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// hyper's limits on a request head. Those of the middleware are lower, and respond in the documented shape.
const HEAD_BUFFER: usize = 64 * 1024;
const MAX_HEADERS: usize = 256;

/// An accepted connection.
pub(super) struct Connection<E> {
    pub(super) endpoint: Arc<E>,
    pub(super) remote: SocketAddr,
    pub(super) slot: Slot,
    /// Tells hyper to finish the request in flight and close.
    pub(super) request_watcher: Watcher,
    /// Keeps the shutdown waiting while the connection lingers.
    pub(super) linger_watcher: Watcher,
}

/// The state that the requests of a connection share.
struct Requests<E> {
    endpoint: Arc<E>,
    local: SocketAddr,
    remote: SocketAddr,
    slot: Slot,
    /// Whether the last response was sent while the client may still be sending the request body.
    must_linger: AtomicBool,
}

/// Closes a connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("too many refused connections")]
struct Dropped;

impl<E: Service> Connection<E> {
    /// Serves `stream` until either side closes it.
    pub(super) async fn serve(self, stream: TcpStream) {
        // A response is one small write: waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let requests = Arc::new(Requests {
            endpoint: self.endpoint,
            local: stream.local_addr().unwrap_or(self.remote),
            remote: self.remote,
            slot: self.slot,
            must_linger: AtomicBool::new(false),
        });
        let eviction = Arc::clone(requests.slot.eviction());
        let (stream, mut returned) = ConnectionStream::new(stream, eviction);
        let served = serve_requests(stream, &requests, self.request_watcher).await;
        let must_linger = match served {
            Ok(()) => requests.must_linger.load(Ordering::Relaxed),
            // The client left, was too slow, or sent malformed HTTP, to which hyper has responded with a 400.
            Err(error) => {
                tracing::debug!(%error, "connection ended");
                error.is_parse()
            }
        };
        if must_linger && let Ok(socket) = returned.try_recv() {
            Linger::DEFAULT.close(socket).await;
        }
        drop(self.linger_watcher);
    }
}

/// Serves requests until the connection ends: closed by either side, evicted, or told to by `watcher`.
async fn serve_requests<E: Service>(
    stream: ConnectionStream,
    requests: &Arc<Requests<E>>,
    watcher: Watcher,
) -> hyper::Result<()> {
    let service = service_fn({
        let requests = Arc::clone(requests);
        move |request| {
            let requests = Arc::clone(&requests);
            async move { requests.respond(request).await }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        // A client that has sent its request and closed its direction gets its response.
        .half_close(true)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(watcher.watch(connection));
    select! {
        biased;
        served = &mut connection => served,
        // hyper reads once more, which fails unless a request has arrived.
        () = requests.slot.evicted() => connection.await,
    }
}

impl<E: Service> Requests<E> {
    async fn respond(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<http::Response<BoxBody<Bytes, io::Error>>, Dropped> {
        let refused = match self.slot.admit() {
            Admission::Serve => None,
            Admission::Refuse(exceeded) => Some(Refused::from(exceeded)),
            Admission::Drop => return Err(Dropped),
        };
        let (parts, body) = request.into_parts();
        let may_discard = may_discard(&parts);
        let (body, unread) = track(body);
        let addresses = (LocalAddr(self.local.into()), RemoteAddr(self.remote.into()));
        let parts = RequestParts::from((parts, addresses.0, addresses.1, Scheme::HTTP));
        let mut request = Request::from_parts(parts, body);
        if let Some(refused) = refused {
            request.set_data(refused);
        }
        let mut response = self.endpoint.get_response(request).await;
        let must_linger = match unread {
            Some(unread) if may_discard => !unread.discard().await,
            Some(unread) => !unread.was_read(),
            None => false,
        };
        if must_linger || refused.is_some() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        self.must_linger.store(must_linger, Ordering::Relaxed);
        Ok(response.into())
    }
}

/// Wraps the body of a request that announces one.
fn track(body: Incoming) -> (Body, Option<UnreadBody>) {
    if body.is_end_stream() {
        return (Body::empty(), None);
    }
    let (body, unread) = TrackedBody::new(body);
    (BoxBody::new(body).into(), Some(unread))
}

/// Returns whether the rest of the request body may be read so that the connection can be kept.
///
/// Not that of a GET, which may be announced and never sent (nginx's `auth_request`), and not that of a client that
/// waits for `100 Continue` before it sends any.
fn may_discard(request: &Parts) -> bool {
    let may_be_missing = request.method == Method::GET || request.method == Method::HEAD;
    !may_be_missing && !request.headers.contains_key(header::EXPECT)
}
