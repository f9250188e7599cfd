//! Measures the sandbox: the time to start, the time of requests with and without a copy of the data, and the memory of a
//! thousand sessions.
//!
//! `cargo bench --bench sandbox` starts the real binary, sends requests over one connection, and prints medians. Memory is
//! the resident set of the process, from Linux's `/proc`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark panics if it fails, and prints its results"
)]

#[path = "../../tests/it/support/process.rs"]
mod process;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use process::{Process, listening};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// The number of measured starts.
const STARTS: usize = 11;

/// The number of sessions with a change, and of measured requests of each kind.
const SESSIONS: usize = 1000;

/// The number of concurrent requests in the concurrent case.
const CONCURRENCY: usize = 50;

const STATS: &str = "/organizations/acme-corp/api-keys/stats";
const KEYS: &str = "/organizations/initech/api-keys";

/// A running sandbox, and Ana's token.
struct Sandbox {
    process: Process,
    api: String,
    token: String,
    client: Client,
}

impl Sandbox {
    /// Starts a sandbox, and reads its output up to the first token.
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llavero"));
        command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0"]);
        command.stderr(Stdio::null());
        let mut process = Process::spawn(command);
        let (api, _) = listening(&process.next_line()).expect("a line with its URL");
        let token = loop {
            let line = process.next_line();
            assert_ne!(line, "", "no token was printed");
            if line.starts_with("eyJ") {
                break line.trim_end().to_owned();
            }
        };
        Self {
            process,
            api,
            token,
            client: Client::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.api));
        request.bearer_auth(&self.token)
    }

    /// Returns the resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.child.0.id()));
        let status = status.expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.expect("a size").parse::<f64>().expect("a number") / 1024.0
    }
}

/// Sends a request that must succeed, and returns its body.
async fn send(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let answer = answer.error_for_status().expect("a success");
    answer.json().await.expect("JSON")
}

/// Sends many requests, one after the other. Returns the median time.
async fn median(mut request: impl FnMut(usize) -> RequestBuilder) -> Duration {
    let mut times = Vec::new();
    for n in 0..SESSIONS {
        let started = Instant::now();
        send(request(n)).await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[SESSIONS / 2]
}

async fn start_to_first_answer() -> Duration {
    let started = Instant::now();
    let sandbox = Sandbox::start();
    send(sandbox.request(Method::GET, STATS)).await;
    started.elapsed()
}

async fn measure() {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start_to_first_answer().await);
    }
    starts.sort_unstable();
    println!(
        "start to first response         {:>8.1?}",
        starts[STARTS / 2]
    );

    let sandbox = Sandbox::start();
    send(sandbox.request(Method::GET, STATS)).await;
    println!(
        "memory at rest                  {:>6.1} MB",
        sandbox.memory()
    );
    let read = median(|_| sandbox.request(Method::GET, STATS)).await;
    println!("read, shared data               {read:>8.1?}");
    let write = median(|n| {
        let request = sandbox.request(Method::POST, KEYS);
        let request = request.header("X-Sandbox-Session", n.to_string());
        request.json(&json!({ "name": "Mine" }))
    });
    println!("first write, in a new copy      {:>8.1?}", write.await);
    let copy = median(|n| {
        let request = sandbox.request(Method::GET, STATS);
        request.header("X-Sandbox-Session", n.to_string())
    });
    println!("read, in a copy                 {:>8.1?}", copy.await);
    println!(
        "memory with {SESSIONS} sessions       {:>6.1} MB",
        sandbox.memory()
    );
    let crowd = Sandbox::start();
    send(crowd.request(Method::GET, STATS)).await;
    change_concurrently(&crowd).await;
    println!(
        "the same, {CONCURRENCY} concurrently      {:>6.1} MB",
        crowd.memory()
    );
}

/// Makes one change in each session, over many connections.
async fn change_concurrently(sandbox: &Sandbox) {
    let requests = (0..SESSIONS).map(|n| {
        let request = sandbox.request(Method::POST, KEYS);
        let request = request.header("X-Sandbox-Session", n.to_string());
        send(request.json(&json!({ "name": "Mine" })))
    });
    let mut in_flight = tokio::task::JoinSet::new();
    for request in requests {
        if in_flight.len() == CONCURRENCY {
            in_flight.join_next().await;
        }
        in_flight.spawn(request);
    }
    in_flight.join_all().await;
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}
