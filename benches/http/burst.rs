//! What a burst costs: 100,000 keys that have expired since the counts of keys were kept.
//!
//! Called once at the end of the benchmark. Uses the store without a server, whose maintenance would update the counts
//! before they can be read. Prints the time of the first read, and of the writes and reads after it.

use std::{
    num::NonZeroU32,
    path::Path,
    time::{Duration, Instant},
};

use llavero::{
    model::{OrganizationRef, Outcome, Timestamp, UsageEvent},
    store::{OpenOptions, Store},
};
use tokio::runtime::Runtime;

use crate::world;

/// The number of uses, one after the other: more than there are portions.
const USES: usize = 150;

pub(crate) fn report(directory: &Path, now: Timestamp) {
    for (name, within) in [
        ("within an hour", Duration::from_hours(1)),
        ("in one millisecond", Duration::ZERO),
    ] {
        let path = directory.join(format!("burst-{}.db", within.as_secs()));
        println!("100,000 keys that expired {name}");
        measure(&path, now, within);
    }
}

fn measure(path: &Path, now: Timestamp, within: Duration) {
    let options = OpenOptions {
        readers: NonZeroU32::MIN,
        new_signing_secret: [7; 32],
    };
    let store = Store::open(path, &options).expect("a new database");
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let seed = world::burst(now, within);
        store.seed_if_empty(seed).await.expect("a database filled");
        let status = Instant::now();
        let counts = store.key_status_counts(now).await.expect("counts");
        assert_eq!(counts.expired, i64::from(world::BURST_KEYS));
        println!("  llavero_keys {:>37.2} ms", millis(status.elapsed()));
        let first = read(&store, now).await;
        println!("  first read of the statistics {first:>21.2} ms");
        let mut writes = Vec::new();
        for _ in 0..USES {
            let started = Instant::now();
            store.count_use(a_use(now)).await.expect("a use counted");
            writes.push(millis(started.elapsed()));
        }
        writes.sort_by(f64::total_cmp);
        println!("  median write meanwhile {:>27.2} ms", writes[USES / 2]);
        println!("  longest write {:>36.2} ms", writes[USES - 1]);
        let last = read(&store, now).await;
        println!("  read of the statistics afterwards {last:>16.2} ms");
    });
    store.close();
}

async fn read(store: &Store, now: Timestamp) -> f64 {
    let organization = OrganizationRef::Slug(world::SMALL.to_owned());
    let started = Instant::now();
    let stats = store.key_stats(organization, world::user(), now, None);
    let stats = stats.await.expect("statistics");
    assert_eq!(stats.keys.expired, i64::from(world::BURST_KEYS));
    millis(started.elapsed())
}

fn a_use(now: Timestamp) -> UsageEvent {
    UsageEvent {
        key: world::burst_key(),
        at: now,
        outcome: Outcome::Error,
        count: 1,
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
