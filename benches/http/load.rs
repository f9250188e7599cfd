//! The load generator: connections that send the next request when they have received a response.
//!
//! Used by the benchmark for each contestant. A response other than a success ends the benchmark.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};

/// The measurements of a round.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    /// The median time to a response.
    pub(crate) p50: Duration,
    /// The 99th percentile of the time to a response.
    pub(crate) p99: Duration,
}

/// Sends `request` over and over for `duration`.
pub(crate) fn round(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    duration: Duration,
) -> Round {
    let runtime = Runtime::new().expect("a runtime");
    let started = Instant::now();
    let mut times: Vec<Duration> = runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(ask_until(address, request.to_vec(), started + duration)))
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.expect("a connection that lasts"));
        }
        times
    });
    let requests = u32::try_from(times.len()).expect("fewer than 2^32 requests");
    let requests_per_second = f64::from(requests) / started.elapsed().as_secs_f64();
    times.sort_unstable();
    Round {
        requests_per_second,
        p50: times[times.len() / 2],
        p99: times[times.len() * 99 / 100],
    }
}

/// Sends `request` over one connection until `end`. Returns the times to the responses.
async fn ask_until(address: SocketAddr, request: Vec<u8>, end: Instant) -> Vec<Duration> {
    let mut connection = Connection::open(address).await;
    let mut times = Vec::new();
    let mut asked = Instant::now();
    while asked < end {
        connection.ask(&request).await;
        let answered = Instant::now();
        times.push(answered - asked);
        asked = answered;
    }
    times
}

/// Sends `request` over and over for `duration` over one connection, while other connections send another request.
/// Returns the 99th percentile of the time to a response.
pub(crate) fn p99(
    address: SocketAddr,
    request: &[u8],
    others: (&[u8], usize),
    duration: Duration,
) -> Duration {
    let runtime = Runtime::new().expect("a runtime");
    let started = Instant::now();
    let mut times: Vec<Duration> = runtime.block_on(async {
        let (other, connections) = others;
        for _ in 0..connections {
            tokio::spawn(ask_until(address, other.to_vec(), started + duration));
        }
        ask_until(address, request.to_vec(), started + duration).await
    });
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Sends `request` once. Returns the body of the response.
pub(crate) fn body(address: SocketAddr, request: &[u8]) -> String {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut connection = Connection::open(address).await;
        let length = connection.ask(request).await;
        let body = &connection.buffer[connection.filled - length..connection.filled];
        String::from_utf8(body.to_vec()).expect("UTF-8")
    })
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self {
            stream,
            buffer: vec![0; 64 * 1024],
            filled: 0,
        }
    }

    /// Sends the request and reads the whole response. Returns the length of the body.
    async fn ask(&mut self, request: &[u8]) -> usize {
        self.stream
            .write_all(request)
            .await
            .expect("a request sent");
        self.filled = 0;
        loop {
            let read = self
                .stream
                .read(&mut self.buffer[self.filled..])
                .await
                .expect("an answer");
            assert!(read > 0, "the server hung up");
            self.filled += read;
            if let Some((head, body)) = lengths(&self.buffer[..self.filled])
                && self.filled == head + body
            {
                return body;
            }
        }
    }
}

/// Returns the lengths of head and body. `None` if the head is not complete yet.
fn lengths(answer: &[u8]) -> Option<(usize, usize)> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).expect("ASCII");
    assert!(text.starts_with("HTTP/1.1 20"), "{text}");
    let length = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    Some((head, length.1.parse().ok()?))
}
