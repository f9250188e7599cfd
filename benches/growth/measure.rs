//! The median time of each operation on a store, in microseconds.
//!
//! Called once for each size. A validation is measured with 32 at a time, because they share commits.

use std::time::{Duration, Instant};

use llavero::{
    model::{Actor, Clock, KeyPageRequest, KeyQuery, OrganizationRef, Timestamp},
    store::Store,
};
use tokio::task::JoinSet;

use crate::world;

/// How long an operation is repeated.
const TIME: Duration = Duration::from_secs(2);

/// How many validations run at a time.
const VALIDATIONS: u32 = 32;

/// Median times in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) key: f64,
    pub(crate) stats: f64,
    pub(crate) list: f64,
    /// Of one validation, while there are 32 at a time.
    pub(crate) validate: f64,
}

pub(crate) async fn times(store: &Store, now: Timestamp) -> Times {
    Times {
        key: median(async || read_key(store, now).await).await,
        stats: median(async || read_stats(store, now).await).await,
        list: median(async || read_list(store, now).await).await,
        validate: median(async || validate(store).await).await / f64::from(VALIDATIONS),
    }
}

/// Returns the median time of `operation` in microseconds. Its first run is not counted.
async fn median(operation: impl AsyncFn()) -> f64 {
    operation().await;
    let end = Instant::now() + TIME;
    let mut times = Vec::new();
    while Instant::now() < end {
        let started = Instant::now();
        operation().await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn organization() -> OrganizationRef {
    OrganizationRef::Slug(world::SLUG.to_owned())
}

async fn read_key(store: &Store, now: Timestamp) {
    let key = store.key(organization(), world::user(), world::key_id(0), now, None);
    key.await.expect("a key");
}

async fn read_stats(store: &Store, now: Timestamp) {
    let stats = store.key_stats(organization(), world::user(), now, None);
    stats.await.expect("statistics");
}

async fn read_list(store: &Store, now: Timestamp) {
    let request = KeyPageRequest {
        query: KeyQuery::default(),
        after: None,
        limit: 50,
        days: None,
    };
    let page = store.keys(organization(), Actor::Operator, request, now);
    page.await.expect("a page");
}

/// Validates 32 keys at a time.
async fn validate(store: &Store) {
    let clock = Clock::system();
    let mut validations = JoinSet::new();
    for n in 0..VALIDATIONS {
        let (store, clock) = (store.clone(), clock.clone());
        validations.spawn(async move {
            let secret = world::secret(n % world::FEWEST_KEYS).hash();
            let found = store.key_with_secret(secret, clock.now()).await;
            let key = found.expect("a read").expect("a key");
            let admission = store.admit_and_count(&key, &clock).await;
            admission.expect("a use on disk");
        });
    }
    while let Some(validated) = validations.join_next().await {
        validated.expect("a validation");
    }
}
