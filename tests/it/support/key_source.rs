//! A server in this process that publishes a JWK set, or fails as a test says. Over HTTP, or over HTTPS with the certificate
//! in `tests/keys`.
//!
//! One thread per connection, which reads one request. Nothing here sleeps: a response can be held until the test sets
//! another one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer,
};

use super::TIMEOUT;

/// The certificate of a source over HTTPS, for the name `localhost` only, from 2020 to 2120. It is its own authority, signed with
/// `p256-private.pem` by `openssl ca -selfsign`.
pub(crate) const CERTIFICATE: &str = include_str!("../../keys/localhost-certificate.pem");

/// What the source does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Responds with 200, further headers (each ends with a line break), and a body.
    Body(&'static str, String),
    /// Sends these bytes and closes the connection.
    Raw(Vec<u8>),
    /// Waits until the reply is another one.
    Hold,
}

impl Reply {
    /// A JWK set.
    pub(crate) fn set(body: String) -> Self {
        Self::Body("", body)
    }

    /// A response without a body.
    pub(crate) fn status(line: &str) -> Self {
        Self::Raw(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").into())
    }

    /// No response.
    pub(crate) fn close() -> Self {
        Self::Raw(Vec::new())
    }

    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Body(headers, body) => {
                let length = body.len();
                Some(
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
                        .into(),
                )
            }
            Self::Raw(bytes) => Some(bytes),
            Self::Hold => None,
        }
    }
}

/// The server. Its threads end with the process.
pub(crate) struct KeySource {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    reply: Reply,
    /// The heads of all requests.
    requests: Vec<String>,
}

impl KeySource {
    /// Serves over HTTP.
    pub(crate) fn http(reply: Reply) -> Self {
        Self::start(reply, None)
    }

    /// Serves over HTTPS at `localhost`, with [`CERTIFICATE`].
    pub(crate) fn https(reply: Reply) -> Self {
        let pem = |text| pem::parse(text).unwrap().into_contents();
        let key = PrivatePkcs8KeyDer::from(pem(include_str!("../../keys/p256-private.pem")));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![pem(CERTIFICATE).into()], key.into())
            .unwrap();
        let mut source = Self::start(reply, Some(Arc::new(config)));
        source.url = source.url.replace("http://127.0.0.1", "https://localhost");
        source
    }

    fn start(reply: Reply, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                reply,
                requests: Vec::new(),
            }),
            changed: Condvar::new(),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, tls) = (Arc::clone(&server), tls.clone());
                thread::spawn(move || server.accept(stream.unwrap(), tls));
            }
        });
        Self { url, shared }
    }

    /// Sets the reply to the next requests, and to those that are held.
    pub(crate) fn reply(&self, reply: Reply) {
        self.shared.state.lock().unwrap().reply = reply;
        self.shared.changed.notify_all();
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.state.lock().unwrap().requests.len()
    }

    /// Waits until there were `count` requests. Returns the head of the last one.
    pub(crate) fn wait_for_requests(&self, count: usize) -> String {
        let state = self.shared.state.lock().unwrap();
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(state, TIMEOUT, |state| state.requests.len() < count)
            .unwrap();
        assert!(!waited.timed_out(), "{} requests", state.requests.len());
        state.requests.last().unwrap().clone()
    }
}

impl Shared {
    /// A connection that fails, for instance in its handshake, is not a failure of the test.
    fn accept(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        match tls {
            None => self.serve(stream),
            Some(config) => {
                let connection = ServerConnection::new(config).unwrap();
                self.serve(StreamOwned::new(connection, stream));
            }
        }
    }

    fn serve(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(stream.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let mut state = self.state.lock().unwrap();
        state.requests.push(head);
        self.changed.notify_all();
        let is_held = |state: &mut State| matches!(state.reply, Reply::Hold);
        let state = self.changed.wait_while(state, is_held).unwrap();
        let reply = state.reply.clone().bytes();
        drop(state);
        // The client may have gone.
        let _ = stream.get_mut().write_all(&reply.unwrap_or_default());
        let _ = stream.get_mut().flush();
    }
}
