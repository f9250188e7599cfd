//! Measures how the cost of an operation grows with the number of keys and with the number of recorded uses.
//!
//! `cargo bench --bench growth` fills a file for each number, calls the store as the server does, and prints a table of
//! median times. It writes the same figures to `docs/growth.svg`, and measures start and memory of the real binary with
//! a million keys. About ten minutes.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark panics if it fails, and prints its results"
)]

mod chart;
mod measure;
#[path = "../../tests/it/support/process.rs"]
mod process;
mod start;
mod world;

use std::path::Path;

use llavero::model::{Clock, Timestamp};
use measure::Times;
use tokio::runtime::Runtime;

/// The numbers of keys, each with [`FEW_USES`] uses.
const KEYS: [u32; 6] = [10, 100, 1000, 10_000, 100_000, 1_000_000];

/// The numbers of uses, spread over [`SOME_KEYS`] keys and 90 days.
const USES: [u32; 5] = [1000, 10_000, 100_000, 1_000_000, 10_000_000];

const FEW_USES: u32 = 1000;
const SOME_KEYS: u32 = 1000;

/// A measurement of every operation with so many keys or uses.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) number: u32,
    pub(crate) times: Times,
}

fn main() {
    // `cargo test --benches` runs the benchmark as a test, which only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let now = Clock::system().now();
    let by_keys = KEYS.map(|keys| point(directory.path(), keys, (keys, FEW_USES), now));
    let by_uses = USES.map(|uses| point(directory.path(), uses, (SOME_KEYS, uses), now));
    print("keys", &by_keys);
    print("uses", &by_uses);
    chart::write(Path::new("docs/growth.svg"), &by_keys, &by_uses).expect("a chart");
    let [_, .., million] = KEYS;
    start::report(&world::path(directory.path(), million, FEW_USES));
}

fn point(directory: &Path, number: u32, size: (u32, u32), now: Timestamp) -> Point {
    let runtime = Runtime::new().expect("a runtime");
    let store = runtime.block_on(world::store(directory, size, now));
    let times = runtime.block_on(measure::times(&store, now));
    store.close();
    Point { number, times }
}

fn print(what: &str, points: &[Point]) {
    println!("| {what} | key, µs | statistics, µs | page of 50 keys, µs | validation, µs |");
    println!("|---|---|---|---|---|");
    for Point { number, times } in points {
        println!(
            "| {number} | {:.1} | {:.1} | {:.1} | {:.1} |",
            times.key, times.stats, times.list, times.validate
        );
    }
    println!();
}
