//! Fetches a JWK set: one GET request on a new connection.
//!
//! Called by [`super::KeySetSource`]. Invariants: a fetch ends after [`TIMEOUT`], reads at most
//! [`MAX_KEY_SET_SIZE`] bytes of a body, and follows no redirect. A proxy (`HTTPS_PROXY`) is not used.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{schedule, url::KeySetUrl};
use crate::{
    tls::{self, TlsError},
    token::{KeySetError, MAX_KEY_SET_SIZE},
};

/// The time for everything: name resolution, connection, TLS, head and body of the response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The time for a connection to one address of the host. An address that does not respond, as in a broken IPv6 network, leaves
/// time for the next one.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The reason why a JWK set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the response was not complete within 5 seconds")]
    Timeout,
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("{0}")]
    Tls(#[from] TlsError),
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the URL is not valid in a request: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("the response has status {0}; redirects are not followed")]
    Redirect(u16),
    #[error("the response has status {0}")]
    Status(u16),
    #[error("the response is larger than 64 KiB")]
    TooLarge,
    #[error("the response cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("the response is {0}")]
    NotASet(#[from] KeySetError),
}

/// A successful response.
pub(super) struct Fetched {
    pub(super) body: Bytes,
    /// The time for which the set is fresh.
    pub(super) lifetime: Duration,
}

/// Fetches the set.
pub(super) async fn fetch(url: &KeySetUrl) -> Result<Fetched, FetchError> {
    timeout(TIMEOUT, fetch_slowly(url))
        .await
        .map_err(|_| FetchError::Timeout)?
}

async fn fetch_slowly(url: &KeySetUrl) -> Result<Fetched, FetchError> {
    let stream = connect(url).await.map_err(FetchError::Connect)?;
    if url.is_https() {
        exchange(tls::connect(url.host(), stream).await?, url).await
    } else {
        exchange(stream, url).await
    }
}

/// Connects to the first address of the host that accepts a connection.
async fn connect(url: &KeySetUrl) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in lookup_host((url.host(), url.port())).await? {
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Sends the request and reads the response.
async fn exchange<S>(stream: S, url: &KeySetUrl) -> Result<Fetched, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let response = respond(sender, url);
    tokio::pin!(response);
    tokio::select! {
        biased;
        fetched = &mut response => fetched,
        ended = connection => {
            ended?;
            response.await
        }
    }
}

async fn respond(
    mut sender: SendRequest<Empty<Bytes>>,
    url: &KeySetUrl,
) -> Result<Fetched, FetchError> {
    let request = Request::get(url.path_and_query())
        .header(header::HOST, url.authority())
        .header(header::ACCEPT, "application/jwk-set+json, application/json")
        .header(
            header::USER_AGENT,
            concat!("llavero/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close")
        .body(Empty::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect(status.as_u16()));
    }
    if status != StatusCode::OK {
        return Err(FetchError::Status(status.as_u16()));
    }
    let lifetime = lifetime(&response);
    let body = Limited::new(response.into_body(), MAX_KEY_SET_SIZE);
    let body = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            FetchError::TooLarge
        } else {
            FetchError::Body(error)
        }
    })?;
    Ok(Fetched {
        body: body.to_bytes(),
        lifetime,
    })
}

fn lifetime(response: &Response<Incoming>) -> Duration {
    let values = response.headers().get_all(header::CACHE_CONTROL).iter();
    schedule::lifetime(values.filter_map(|value| value.to_str().ok()))
}
