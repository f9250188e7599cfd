//! Measures the real binary relative to a bare poem handler that returns the same bytes, and to a minimal server.
//!
//! `cargo bench --bench http` starts them as separate processes, sends them requests in turns over 32 connections unless
//! the name says otherwise, and prints requests per second, the time to a response, and ratios to the bare handler. A ratio
//! compares rates of the same round, so it hardly depends on the machine and its other load. `-- SECONDS ROUNDS` sets the
//! length and number of the rounds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark panics if it fails, and prints its results"
)]

mod bare;
mod burst;
mod load;
mod minimal;
#[path = "../../tests/it/support/process.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod process;
mod server;
mod world;

use std::{env, net::SocketAddr, time::Duration};

use llavero::model::Clock;
use load::Round;
use serde_json::Value;
use server::Server;

/// A request to measure, and the server that receives it.
struct Contestant {
    name: &'static str,
    address: SocketAddr,
    request: Vec<u8>,
    connections: usize,
    rounds: Vec<Round>,
}

impl Contestant {
    fn new(name: &'static str, server: &Server, request: Vec<u8>) -> Self {
        Self {
            name,
            address: server.address,
            request,
            connections: 32,
            rounds: Vec::new(),
        }
    }
}

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some(bare::FLAG) => return bare::serve(),
        Some(minimal::FLAG) => return minimal::serve(),
        _ => {}
    }
    let number = |at: usize, default: u32| {
        arguments
            .get(at)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let round = Duration::from_secs(number(0, 3).into());
    let rounds = number(1, 5);

    let directory = tempfile::tempdir().expect("a temporary directory");
    let now = Clock::system().now();
    let secret = world::create(&directory.path().join("bench.db"), now);
    let token = world::token(&secret);
    let llavero = Server::llavero(directory.path(), &[]);
    let (es256, es256_token) = server::with_es256(directory.path());

    let (minimal, minimal_token) = server::minimal(directory.path());

    let key = world::key_path(world::SMALL);
    let keys = |organization: &str| format!("/api/organizations/{organization}/api-keys");
    let stats = |organization: &str| keys(organization) + "/stats";
    let middle = middle(llavero.address, &keys(world::MANY), &token);
    let same = load::body(minimal.address, &get(&key, &minimal_token));
    assert_eq!(same, load::body(llavero.address, &get(&key, &token)));
    let bare = |path: &str| Server::bare(&load::body(llavero.address, &get(path, &token)));
    let (bare_key, bare_stats) = (bare(&key), bare(&stats(world::SMALL)));
    let bare_page = bare(&keys(world::MANY));

    let ask = |name, path: &str| Contestant::new(name, &llavero, get(path, &token));
    let create = |name, connections| Contestant {
        connections,
        ..Contestant::new(name, &llavero, post(&keys(world::GROWING), &token))
    };
    let use_key = |name, connections| Contestant {
        connections,
        ..Contestant::new(name, &llavero, validate())
    };
    let mut contestants = [
        Contestant::new("bare poem, the key's bytes", &bare_key, get("/", &token)),
        Contestant::new(
            "minimal axum server, GET …/{id}",
            &minimal,
            get(&key, &minimal_token),
        ),
        ask("GET /healthz", "/healthz"),
        ask("GET …/{id}", &key),
        Contestant::new("GET …/{id}, ES256 token", &es256, get(&key, &es256_token)),
        create("POST …/api-keys, 1 connection", 1),
        create("POST …/api-keys, 32 connections", 32),
        create("POST …/api-keys, 256 connections", 256),
        use_key("validate, 1 connection", 1),
        use_key("validate, 32 connections", 32),
        use_key("validate, 256 connections", 256),
        Contestant {
            connections: 256,
            ..ask("GET …/{id}, 256 connections", &key)
        },
        Contestant::new(
            "bare poem, the statistics' bytes",
            &bare_stats,
            get("/", &token),
        ),
        ask("GET …/stats, 10 keys, 10^3 uses", &stats(world::SMALL)),
        ask("GET …/stats, 10 keys, 10^7 uses", &stats(world::BUSY)),
        ask("GET …/stats, 1,000 keys", &stats(world::THOUSAND)),
        ask("GET …/stats, 10,000 keys, all idle", &stats(world::IDLE)),
        ask("GET …/stats, 100,000 keys", &stats(world::MANY)),
        ask("GET …/stats, 1,000,000 keys", &stats(world::MILLION)),
        ask(
            "GET …/stats?days=90, 10 keys",
            &(stats(world::BUSY) + "?days=90"),
        ),
        Contestant::new("bare poem, a page of 50 keys", &bare_page, get("/", &token)),
        ask("GET …/api-keys, 10 of 10 keys", &keys(world::SMALL)),
        ask("GET …/api-keys, 50 of 10,000 keys", &keys(world::LARGE)),
        ask("GET …/api-keys, 50 of 100,000 keys", &keys(world::MANY)),
        ask("GET …/api-keys, from the middle", &middle),
    ];
    measure(&mut contestants, rounds, round);
    report(&contestants);
    println!();
    let delays = Delays {
        server: &llavero,
        key: get(&key, &token),
        small: get(&stats(world::SMALL), &token),
        large: get(&stats(world::MILLION), &token),
    };
    delays.report(rounds, round);
    println!();
    burst::report(directory.path(), now);
}

/// Asks the contestants in turns.
fn measure(contestants: &mut [Contestant], rounds: u32, round: Duration) {
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            let Contestant {
                address,
                request,
                connections,
                ..
            } = contestant;
            let measured = load::round(*address, request, *connections, round);
            contestant.rounds.push(measured);
        }
    }
}

/// The requests that measure how long reads of statistics delay another client.
struct Delays<'a> {
    server: &'a Server,
    key: Vec<u8>,
    small: Vec<u8>,
    large: Vec<u8>,
}

impl Delays<'_> {
    fn report(&self, rounds: u32, round: Duration) {
        for (name, others, clients) in [
            ("alone", &self.small, 0),
            ("beside 4 clients of /stats, 10 keys", &self.small, 4),
            ("beside 4 clients of /stats, 10^6 keys", &self.large, 4),
        ] {
            let times = (0..rounds).map(|_| {
                let p99 = load::p99(self.server.address, &self.key, (others, clients), round);
                p99.as_secs_f64() * 1e6
            });
            println!("p99 of GET …/{{id}}, {name:<40} {:>8.0} µs", median(times));
        }
    }
}

/// Returns the path of the page that starts in the middle of the largest list. Reads the pages before it.
fn middle(address: SocketAddr, list: &str, token: &str) -> String {
    const PAGE: usize = 100;
    let mut cursor = String::new();
    for _ in 0..world::MANY_KEYS / 2 / PAGE {
        let path = format!("{list}?limit={PAGE}{cursor}");
        let page = load::body(address, &get(&path, token));
        let page: Value = serde_json::from_str(&page).expect("JSON");
        let next = page["nextCursor"].as_str().expect("a next page");
        cursor = format!("&cursor={next}");
    }
    format!("{list}?limit=50{cursor}")
}

fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

fn validate() -> Vec<u8> {
    let secret = world::unlimited_secret();
    let secret = secret.reveal();
    format!("GET /api/api-keys/validate HTTP/1.1\r\nhost: localhost\r\nx-api-key: {secret}\r\n\r\n")
        .into_bytes()
}

fn post(path: &str, token: &str) -> Vec<u8> {
    let body = r#"{"name":"Deployment","scopes":["releases:write"],"rateLimit":{"limit":100,"windowSeconds":60}}"#;
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Prints the medians of each contestant, and the median of its ratio to the preceding bare handler.
fn report(contestants: &[Contestant]) {
    let mut base = &contestants[0];
    println!(
        "{:<38} {:>12} {:>8} {:>9} {:>9}",
        "", "requests/s", "ratio", "p50, µs", "p99, µs"
    );
    for contestant in contestants {
        if contestant.name.starts_with("bare") {
            base = contestant;
        }
        let ratios = contestant
            .rounds
            .iter()
            .zip(&base.rounds)
            .map(|(round, base)| round.requests_per_second / base.requests_per_second);
        let of = |value: fn(&Round) -> f64| median(contestant.rounds.iter().map(value));
        println!(
            "{:<38} {:>12.0} {:>8.2} {:>9.0} {:>9.0}",
            contestant.name,
            of(|round| round.requests_per_second),
            median(ratios),
            of(|round| round.p50.as_secs_f64() * 1e6),
            of(|round| round.p99.as_secs_f64() * 1e6),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
