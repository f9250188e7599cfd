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

/// Sends `request` over and over for `duration`. Returns the number of responses per second.
pub(crate) fn requests_per_second(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    duration: Duration,
) -> f64 {
    let runtime = Runtime::new().expect("a runtime");
    let started = Instant::now();
    let answers: u32 = runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let request = request.to_vec();
                tokio::spawn(async move {
                    let mut connection = Connection::open(address).await;
                    let mut answers = 0;
                    while started.elapsed() < duration {
                        connection.ask(&request).await;
                        answers += 1;
                    }
                    answers
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.expect("a connection that lasts");
        }
        sum
    });
    f64::from(answers) / started.elapsed().as_secs_f64()
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
            let other = other.to_vec();
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await;
                while started.elapsed() < duration {
                    connection.ask(&other).await;
                }
            });
        }
        let mut connection = Connection::open(address).await;
        let mut times = Vec::new();
        while started.elapsed() < duration {
            let asked = Instant::now();
            connection.ask(request).await;
            times.push(asked.elapsed());
        }
        times
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
