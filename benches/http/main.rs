//! How fast the real binary answers, beside a bare poem handler that returns the same bytes.
//!
//! `cargo bench --bench http` starts both as processes of their own, asks them in turns over 32 connections
//! from this one, and prints requests per second and ratios of the same round: absolute numbers depend on the
//! machine and on what else it does, ratios hardly. `-- SECONDS ROUNDS` changes how long it takes.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints what it found"
)]

mod bare;
mod load;
mod server;
mod world;

use std::{env, time::Duration};

use server::Server;

/// What is asked, and of whom.
struct Contestant {
    name: &'static str,
    address: std::net::SocketAddr,
    request: Vec<u8>,
    rates: Vec<f64>,
}

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if arguments
        .first()
        .is_some_and(|argument| argument == bare::FLAG)
    {
        return bare::serve();
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
    let secret = world::create(&directory.path().join("bench.db"));
    let token = world::token(&secret);
    let llavero = Server::llavero(directory.path(), &[]);
    let (es256, es256_token) = server::with_es256(directory.path());

    let key = world::key_path(world::SMALL);
    let stats = |organization: &str| format!("/api/organizations/{organization}/api-keys/stats");
    let bare = Server::bare(&load::body(llavero.address, &get(&key, &token)));
    let bare_stats = Server::bare(&load::body(
        llavero.address,
        &get(&stats(world::SMALL), &token),
    ));

    let contestant = |name, server: &Server, path: &str, token: &str| Contestant {
        name,
        address: server.address,
        request: get(path, token),
        rates: Vec::new(),
    };
    let mut contestants = [
        contestant("bare poem, the key's bytes", &bare, "/", &token),
        contestant("GET /healthz", &llavero, "/healthz", &token),
        contestant("GET …/{id}", &llavero, &key, &token),
        contestant("GET …/{id}, ES256 token", &es256, &key, &es256_token),
        contestant("bare poem, the statistics' bytes", &bare_stats, "/", &token),
        contestant(
            "GET …/stats, 10 keys, 10^3 uses",
            &llavero,
            &stats(world::SMALL),
            &token,
        ),
        contestant(
            "GET …/stats, 10 keys, 10^7 uses",
            &llavero,
            &stats(world::BUSY),
            &token,
        ),
        contestant(
            "GET …/stats, 10,000 keys, mixed",
            &llavero,
            &stats(world::LARGE),
            &token,
        ),
        contestant(
            "GET …/stats, 10,000 keys, all idle",
            &llavero,
            &stats(world::IDLE),
            &token,
        ),
        contestant(
            "GET …/stats?days=90, 10 keys",
            &llavero,
            &(stats(world::BUSY) + "?days=90"),
            &token,
        ),
    ];
    for _ in 0..rounds {
        for contestant in &mut contestants {
            let rate = load::requests_per_second(contestant.address, &contestant.request, round);
            contestant.rates.push(rate);
        }
    }
    report(&contestants);
}

fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// The median rate of each, and the median over the rounds of its ratio to the bare handler before it.
fn report(contestants: &[Contestant]) {
    let mut base = &contestants[0];
    println!(
        "{:<38} {:>12} {:>8}",
        "32 connections", "requests/s", "ratio"
    );
    for contestant in contestants {
        if contestant.name.starts_with("bare") {
            base = contestant;
        }
        let ratios = contestant
            .rates
            .iter()
            .zip(&base.rates)
            .map(|(rate, base)| rate / base);
        println!(
            "{:<38} {:>12.0} {:>8.2}",
            contestant.name,
            median(contestant.rates.iter().copied()),
            median(ratios)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
