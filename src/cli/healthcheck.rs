//! `llavero healthcheck`: sends a request to a server's readiness probe, `/readyz`.
//!
//! For containers, whose images then need no HTTP client. Exits with 0 if the server responds with a status of 2xx within
//! [`TIMEOUT`], else with 1.

use std::time::Duration;

use http_body_util::Empty;
use hyper::{Request, Uri, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{
    Error,
    address::{self, ListenArgs},
};

const TIMEOUT: Duration = Duration::from_secs(5);

/// The arguments of `llavero healthcheck`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The URL to request [default: /readyz at the address of --listen]
    #[arg(long, value_parser = http_url)]
    url: Option<Uri>,

    #[command(flatten)]
    listen: ListenArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Error> {
        let url = match self.url {
            Some(url) => url,
            None => format!("http://{}/readyz", address::reachable(self.listen.address))
                .parse()
                .map_err(|_| {
                    Error::usage(format!("{} is not valid in a URL", self.listen.address))
                })?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer = runtime.block_on(async { timeout(TIMEOUT, get(&url)).await });
        match answer {
            Ok(Ok(200..=299)) => Ok(()),
            Ok(Ok(status)) => Err(Error::failed(format!(
                "{url} responded with status {status}"
            ))),
            Ok(Err(error)) => Err(Error::failed(format!("{url} did not respond: {error}"))),
            Err(_) => Err(Error::failed(format!(
                "{url} did not respond within {TIMEOUT:?}"
            ))),
        }
    }
}

fn http_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http"), Some(_)) => Ok(url),
        _ => Err(
            "write an http URL, for instance http://127.0.0.1:3001/readyz; https is not supported"
                .to_owned(),
        ),
    }
}

/// Sends a GET request. Returns the status of the response.
async fn get(url: &Uri) -> Result<u16, Box<dyn std::error::Error>> {
    let authority = url.authority().ok_or("the URL has no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .body(Empty::<Bytes>::new())?;
    tokio::select! {
        response = sender.send_request(request) => Ok(response?.status().as_u16()),
        ended = connection => Err(ended.err().map_or("the connection ended".into(), Into::into)),
    }
}
