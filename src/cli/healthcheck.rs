//! `llavero healthcheck`: asks a running server's `/readyz`, so that an image needs no other program for it.
//!
//! The exit code is the answer: 0 for yes, 1 for anything else, within five seconds.

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
    /// What to ask [default: /readyz at the address of --listen]
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
                .map_err(|_| Error::usage(format!("{} makes no valid URL", self.listen.address)))?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer = runtime.block_on(async { timeout(TIMEOUT, ask(&url)).await });
        match answer {
            Ok(Ok(200..=299)) => Ok(()),
            Ok(Ok(status)) => Err(Error::failed(format!("{url} answered {status}"))),
            Ok(Err(error)) => Err(Error::failed(format!("{url} did not answer: {error}"))),
            Err(_) => Err(Error::failed(format!(
                "{url} did not answer in {TIMEOUT:?}"
            ))),
        }
    }
}

fn http_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http"), Some(_)) => Ok(url),
        _ => Err("write it as http://127.0.0.1:3001/readyz; TLS is not spoken here".to_owned()),
    }
}

/// The status of a GET.
async fn ask(url: &Uri) -> Result<u16, Box<dyn std::error::Error>> {
    let authority = url.authority().ok_or("the URL names no host")?;
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
