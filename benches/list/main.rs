//! Measures a page of the list of keys: each filter, each order, with 10 and with 100,000 keys.
//!
//! `cargo bench --bench list` fills two databases in memory, reads the first page of 50 keys of each list through the
//! store, and prints the median time in microseconds. Lists that may read all keys include the handover to another thread.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark panics if it fails, and prints its results"
)]

mod world;

use std::time::{Duration, Instant};

use llavero::{
    model::{
        Actor, Choice, Clock, Direction, FilterText, KeyFilter, KeyOrder, KeyPageRequest, KeyQuery,
        KeySort, KeyStatus, KeyUsage, OrganizationRef, Timestamp, UserId,
    },
    store::Store,
};
use tokio::runtime::Runtime;

/// The lists, by the query parameters of the API. `stranger` and `nothing` match no key, `customer-1` ten, `KEY` all.
const LISTS: [&str; 22] = [
    "",
    "sort=lastUsedAt",
    "sort=lastUsedAt&order=asc",
    "sort=expiresAt&order=asc",
    "sort=totalRequests",
    "sort=rateLimitHits",
    "status=active",
    "status=disabled",
    "status=revoked",
    "status=expired",
    "usage=never",
    "usage=inactive",
    "usage=inactive&sort=lastUsedAt",
    "usage=afterRevocation",
    "usage=afterRevocation&sort=lastUsedAt",
    "expiresWithinDays=14",
    "expiresWithinDays=14&sort=expiresAt&order=asc",
    "externalId=customer-1",
    "createdBy=stranger",
    "search=KEY",
    "search=nothing",
    "status=active&sort=totalRequests",
];

const SIZES: [usize; 2] = [10, 100_000];

const PAGE: u32 = 50;

/// How long a list is read, and how often at most.
const TIME: Duration = Duration::from_secs(1);
const ROUNDS: usize = 1000;

fn main() {
    // `cargo test --benches` runs the benchmark as a test, which only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let now = Clock::system().now();
    let stores = SIZES.map(|keys| runtime.block_on(world::store(keys, now)));
    println!("| list | {} keys, µs | {} keys, µs |", SIZES[0], SIZES[1]);
    println!("|---|---|---|");
    for list in LISTS {
        let query = parse(list);
        let medians = stores
            .each_ref()
            .map(|store| runtime.block_on(median(store, &query, now)));
        println!("| `?{list}` | {} | {} |", medians[0], medians[1]);
    }
}

/// Returns the median time of a page in microseconds.
async fn median(store: &Store, query: &KeyQuery, now: Timestamp) -> u128 {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < ROUNDS && start.elapsed() < TIME {
        let request = KeyPageRequest {
            query: query.clone(),
            after: None,
            limit: PAGE,
            days: None,
        };
        let organization = OrganizationRef::Slug(world::SLUG.to_owned());
        let before = Instant::now();
        let page = store.keys(organization, Actor::Operator, request, now);
        page.await.expect("a page");
        times.push(before.elapsed().as_micros());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

/// Parses a query as the API does.
fn parse(query: &str) -> KeyQuery {
    let mut filter = KeyFilter::default();
    let mut order = KeyOrder::default();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').expect("a parameter");
        match name {
            "status" => filter.status = KeyStatus::from_name(value),
            "usage" => filter.usage = KeyUsage::from_name(value),
            "expiresWithinDays" => filter.expires_within_days = value.parse().ok(),
            "createdBy" => filter.created_by = UserId::new(value),
            "externalId" => filter.external_id = FilterText::new(value),
            "search" => filter.search = FilterText::new(value),
            "sort" => order.sort = KeySort::from_name(value).expect("a sort"),
            "order" => order.direction = Direction::from_name(value).expect("a direction"),
            _ => panic!("unknown parameter: {name}"),
        }
    }
    KeyQuery { filter, order }
}
