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
        Actor, Clock, Direction, FilterText, KeyFilter, KeyOrder, KeyPageRequest, KeyQuery,
        KeySort, KeyStatus, KeyUsage, OrganizationRef, Timestamp, UserId,
    },
    store::Store,
};
use tokio::runtime::Runtime;

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
    for (name, query) in lists() {
        let medians = stores
            .each_ref()
            .map(|store| runtime.block_on(median(store, &query, now)));
        println!("| {name} | {} | {} |", medians[0], medians[1]);
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

/// The lists, as the query parameters of the API name them.
fn lists() -> Vec<(&'static str, KeyQuery)> {
    use Direction::{Ascending, Descending};
    use KeySort::{CreatedAt, ExpiresAt, LastUsedAt, RateLimitHits, TotalRequests};
    let all = KeyFilter::default;
    let status = |status| KeyFilter {
        status: Some(status),
        ..all()
    };
    let usage = |usage| KeyFilter {
        usage: Some(usage),
        ..all()
    };
    let expiring = || KeyFilter {
        expires_within_days: Some(14),
        ..all()
    };
    let search = |text: &str| KeyFilter {
        search: FilterText::new(text),
        ..all()
    };
    let external_id = KeyFilter {
        external_id: FilterText::new("customer-1"),
        ..all()
    };
    let created_by = KeyFilter {
        created_by: UserId::new("nobody"),
        ..all()
    };
    let lists = vec![
        ("no parameters", all(), CreatedAt, Descending),
        ("`sort=lastUsedAt`", all(), LastUsedAt, Descending),
        ("`sort=lastUsedAt&order=asc`", all(), LastUsedAt, Ascending),
        ("`sort=expiresAt&order=asc`", all(), ExpiresAt, Ascending),
        ("`sort=totalRequests`", all(), TotalRequests, Descending),
        ("`sort=rateLimitHits`", all(), RateLimitHits, Descending),
        (
            "`status=active`",
            status(KeyStatus::Active),
            CreatedAt,
            Descending,
        ),
        (
            "`status=disabled`",
            status(KeyStatus::Disabled),
            CreatedAt,
            Descending,
        ),
        (
            "`status=revoked`",
            status(KeyStatus::Revoked),
            CreatedAt,
            Descending,
        ),
        (
            "`status=expired`",
            status(KeyStatus::Expired),
            CreatedAt,
            Descending,
        ),
        (
            "`usage=never`",
            usage(KeyUsage::Never),
            CreatedAt,
            Descending,
        ),
        (
            "`usage=inactive`",
            usage(KeyUsage::Inactive),
            CreatedAt,
            Descending,
        ),
        (
            "`usage=inactive&sort=lastUsedAt`",
            usage(KeyUsage::Inactive),
            LastUsedAt,
            Descending,
        ),
        (
            "`usage=afterRevocation`",
            usage(KeyUsage::AfterRevocation),
            CreatedAt,
            Descending,
        ),
        (
            "`usage=afterRevocation&sort=lastUsedAt`",
            usage(KeyUsage::AfterRevocation),
            LastUsedAt,
            Descending,
        ),
        ("`expiresWithinDays=14`", expiring(), CreatedAt, Descending),
        (
            "`expiresWithinDays=14&sort=expiresAt&order=asc`",
            expiring(),
            ExpiresAt,
            Ascending,
        ),
        (
            "`externalId=…`, of 10 keys",
            external_id,
            CreatedAt,
            Descending,
        ),
        (
            "`createdBy=…`, without a match",
            created_by,
            CreatedAt,
            Descending,
        ),
        (
            "`search=…`, every key matches",
            search("KEY"),
            CreatedAt,
            Descending,
        ),
        (
            "`search=…`, without a match",
            search("nothing"),
            CreatedAt,
            Descending,
        ),
        (
            "`status=active&sort=totalRequests`",
            status(KeyStatus::Active),
            TotalRequests,
            Descending,
        ),
    ];
    let query = |filter, sort, direction| KeyQuery {
        filter,
        order: KeyOrder { sort, direction },
    };
    let lists = lists.into_iter();
    lists
        .map(|(name, filter, sort, direction)| (name, query(filter, sort, direction)))
        .collect()
}
