//! Admission: both limits of a key against a naive count, over histories with changed limits, imports and restarts.
//!
//! Each history runs with the writer's thread or with writes on the current thread, as in the sandbox's copies.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Waker},
};

use proptest::{collection::vec, option, prelude::*};
use rusqlite::params;
use tokio::runtime::Builder;
use uuid::Uuid;

use super::*;
use crate::{
    model::{
        KeySettings, Name, NewKey, Organization, OrganizationId, QuotaPeriod, Secret, Seed,
        SeedKey, SeedState, Slug, UsageTotals,
    },
    store::{OpenOptions, Store},
};

const KEY: KeyId = KeyId(Uuid::from_u128(1));

/// A store in memory with one key, which may be used once a minute.
async fn store() -> Store {
    let organization = OrganizationId(Uuid::from_u128(2));
    let created_at = Timestamp::from_millis(0);
    let settings = KeySettings {
        rate_limit: RateLimit::new(1, 60),
        ..KeySettings::named(Name::new("x").unwrap())
    };
    let seed = Seed {
        organizations: vec![Organization {
            id: organization,
            slug: Slug::new("x").unwrap(),
            name: Name::new("x").unwrap(),
            created_at,
        }],
        keys: vec![SeedKey {
            id: KEY,
            organization,
            key: NewKey {
                secret: Secret::generate([1; 32]),
                settings,
                created_by: None,
                created_at,
            },
            state: SeedState::default(),
        }],
        ..Seed::default()
    };
    let store = Store::in_memory(&OpenOptions {
        readers: NonZeroU32::MIN,
        new_signing_secret: [7; 32],
    });
    let store = store.unwrap();
    store.seed_if_empty(seed).await.unwrap();
    store
}

#[tokio::test]
async fn admitted_request_is_counted_if_the_caller_drops_the_future() {
    let store = store().await;
    let clock = Clock::system();
    let read = || store.key_by_id(KEY, clock.now());
    let key = read().await.unwrap().unwrap();
    let mut admission = Box::pin(store.admit_and_count(&key, &clock));
    let polled = admission
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    drop(admission);
    // Runs the task that counts; the write is behind its use in the queue.
    tokio::task::yield_now().await;
    let write = store.database.write(|_| Ok::<_, Error>(()));
    write.await.unwrap();
    let key = read().await.unwrap().unwrap();
    assert_eq!(key.usage.successful_requests, 1);
    let next = store.admit_and_count(&key, &clock).await.unwrap();
    assert_eq!(next.decision, AdmissionDecision::RateLimited);
}

/// A step of a history. Waits are longer than the longest slot, so that a slot holds the successes of one instant.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(i64),
    Use,
    SetRate(Option<(i64, i64)>),
    SetQuota(Option<(i64, QuotaPeriod)>),
    /// Imports so many successes, so many days ago.
    Import(u32, i64),
    /// Forgets the windows in memory.
    Restart,
}

const MIN_WAIT: i64 = 4000;

fn step() -> impl Strategy<Value = Step> {
    let window = prop_oneof![Just(5), Just(60), Just(3600)];
    let period = prop_oneof![Just(QuotaPeriod::Day), Just(QuotaPeriod::Month)];
    let hour = 3_600_000_i64;
    prop_oneof![
        12 => Just(Step::Use),
        3 => prop_oneof![MIN_WAIT..60_000, 6 * hour..20 * hour].prop_map(Step::Wait),
        1 => option::weighted(0.8, (1..5i64, window)).prop_map(Step::SetRate),
        1 => option::weighted(0.8, (1..12i64, period)).prop_map(Step::SetQuota),
        1 => (0..3u32, 0..3i64).prop_map(|(count, ago)| Step::Import(count, ago)),
        1 => Just(Step::Restart),
    ]
}

/// The same history, counted naively.
struct Model {
    now: i64,
    rate: Option<(i64, i64)>,
    quota: Option<(i64, QuotaPeriod)>,
    /// The successes that count against the rate limit.
    in_window: Vec<i64>,
    /// All successes.
    successes: Vec<i64>,
    hits: i64,
}

impl Model {
    /// Drops successes that have left the window.
    fn expire(&mut self) {
        let window = self.rate.map_or(0, |(_, seconds)| 1000 * seconds);
        self.in_window.retain(|at| at + window > self.now);
    }

    /// Returns the permits that the rate limit and the quota have left.
    fn remaining(&mut self) -> (Option<i64>, Option<i64>) {
        self.expire();
        let counted = self.in_window.len();
        let rate = self
            .rate
            .map(|(limit, _)| limit - i64::try_from(counted).unwrap());
        let quota = self.quota.map(|(limit, period)| {
            let in_period = |at: i64| period.first_day(Timestamp::from_millis(at));
            let is_current = |at: &&i64| in_period(**at) == in_period(self.now);
            limit - i64::try_from(self.successes.iter().filter(is_current).count()).unwrap()
        });
        (rate.map(|left| left.max(0)), quota.map(|left| left.max(0)))
    }

    /// Decides about a request and counts it. Returns the decision and the remaining permits after it.
    fn decide(&mut self) -> (AdmissionDecision, Option<i64>, Option<i64>) {
        let decision = match self.remaining() {
            (Some(0), _) => AdmissionDecision::RateLimited,
            (_, Some(0)) => AdmissionDecision::OverQuota,
            _ => AdmissionDecision::Admitted,
        };
        if decision == AdmissionDecision::Admitted {
            self.successes.push(self.now);
            self.in_window.extend(self.rate.map(|_| self.now));
        } else {
            self.hits += 1;
        }
        let (rate, quota) = self.remaining();
        (decision, rate, quota)
    }
}

/// A store and the model of it.
struct World {
    store: Store,
    millis: Arc<AtomicI64>,
    clock: Clock,
    model: Model,
}

impl World {
    async fn new(inline: bool) -> Self {
        let mut store = store().await;
        if inline {
            let bytes = store.serialize().unwrap();
            store = Store::deserialize(&bytes, 1 << 24, store.metrics().clone()).unwrap();
        }
        let start = Timestamp::parse("2026-01-30T20:00:00Z")
            .unwrap()
            .as_millis();
        let millis = Arc::new(AtomicI64::new(start));
        let clock = Clock::from_fn({
            let millis = Arc::clone(&millis);
            move || Timestamp::from_millis(millis.load(Ordering::Relaxed))
        });
        let model = Model {
            now: start,
            rate: Some((1, 60)),
            quota: None,
            in_window: Vec::new(),
            successes: Vec::new(),
            hits: 0,
        };
        Self {
            store,
            millis,
            clock,
            model,
        }
    }

    fn wait(&mut self, millis: i64) {
        self.model.now += millis;
        self.millis.store(self.model.now, Ordering::Relaxed);
    }

    async fn key(&self) -> ApiKey {
        let found = self.store.key_by_id(KEY, self.clock.now()).await;
        found.unwrap().unwrap()
    }

    async fn step(&mut self, step: Step) {
        let now = self.clock.now();
        match step {
            Step::Wait(millis) => self.wait(millis),
            Step::Use => {
                let key = self.key().await;
                let admission = self.store.admit_and_count(&key, &self.clock).await;
                let Admission { decision, limits } = admission.unwrap();
                let remaining = |state: Option<LimitState>| state.map(|state| state.remaining);
                let (rate, quota) = (remaining(limits.rate_limit), remaining(limits.quota));
                assert_eq!((decision, rate, quota), self.model.decide(), "at {now}");
            }
            Step::SetRate(new) => {
                let rate = new.and_then(|(limit, seconds)| RateLimit::new(limit, seconds));
                let key = self.key().await;
                let change = self
                    .store
                    .database
                    .write(move |tx| rate_slots::change_limit(tx, &key, rate, now));
                change.await.unwrap();
                self.model.expire();
                if new.is_none() || self.model.rate.is_none() {
                    self.model.in_window.clear();
                }
                self.model.rate = new;
                // Of a removal and a new limit within one millisecond, the order is not known.
                self.wait(if new.is_none() { MIN_WAIT } else { 0 });
            }
            Step::SetQuota(new) => {
                self.model.quota = new;
                let change = self.store.database.write(move |tx| {
                    let (limit, period) = new.unzip();
                    let sql = "UPDATE api_keys SET quota_limit = ?1, quota_period = ?2";
                    Ok::<_, Error>(tx.execute(sql, params![limit, period])?)
                });
                change.await.unwrap();
            }
            Step::Import(count, days_ago) => {
                let at = now.as_millis() - 86_400_000 * days_ago;
                let mut totals = UsageTotals::default();
                assert!(totals.add(UsageEvent {
                    key: KEY,
                    at: Timestamp::from_millis(at),
                    outcome: Outcome::Success,
                    count,
                }));
                self.store.import_usage(totals, None, now).await.unwrap();
                self.model.successes.extend((0..count).map(|_| at));
            }
            Step::Restart => self.store.database.limiter = Arc::default(),
        }
    }
}

proptest! {
    #[test]
    fn limits_admit_what_a_naive_count_admits(
        steps in vec(step(), 1..150),
        inline in proptest::bool::ANY,
    ) {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let mut world = World::new(inline).await;
            for step in steps {
                world.step(step).await;
            }
            let usage = world.key().await.usage;
            let successes = i64::try_from(world.model.successes.len()).unwrap();
            assert_eq!((usage.successful_requests, usage.rate_limit_hits), (successes, world.model.hits));
            assert_eq!(usage.errors, 0);
        });
    }
}

/// The key's state was read before its quota was used up, as if several requests had read it at the same time.
#[tokio::test]
async fn request_over_the_quota_takes_no_permit_of_the_rate_limit() {
    let mut world = World::new(false).await;
    world.step(Step::SetRate(Some((2, 60)))).await;
    world
        .step(Step::SetQuota(Some((1, QuotaPeriod::Day))))
        .await;
    let key = world.key().await;
    for (decision, permits) in [
        (AdmissionDecision::Admitted, 1),
        (AdmissionDecision::OverQuota, 1),
        (AdmissionDecision::OverQuota, 1),
    ] {
        let admission = world
            .store
            .admit_and_count(&key, &world.clock)
            .await
            .unwrap();
        let rate_limit = admission.limits.rate_limit.unwrap();
        assert_eq!(
            (admission.decision, rate_limit.remaining),
            (decision, permits)
        );
    }
    // Neither in memory nor in the database.
    world.store.database.limiter = Arc::default();
    let key = world.key().await;
    let admission = world
        .store
        .admit_and_count(&key, &world.clock)
        .await
        .unwrap();
    assert_eq!(admission.decision, AdmissionDecision::OverQuota);
    assert_eq!(admission.limits.rate_limit.unwrap().remaining, 1);
}

#[tokio::test]
async fn monthly_quota_counts_the_whole_month_after_the_clock_is_set_back() {
    let mut world = World::new(false).await;
    world.step(Step::SetRate(None)).await;
    world
        .step(Step::SetQuota(Some((1, QuotaPeriod::Month))))
        .await;
    let day = 86_400_000;
    for (step, remaining) in [(day, 0), (-day, 0), (3 * day, 0), (day, 0)] {
        world.wait(step);
        let key = world.key().await;
        let admission = world
            .store
            .admit_and_count(&key, &world.clock)
            .await
            .unwrap();
        assert_eq!(admission.limits.quota.unwrap().remaining, remaining);
    }
    // One in January and one in February.
    assert_eq!(world.key().await.usage.successful_requests, 2);
    assert_eq!(world.key().await.usage.rate_limit_hits, 2);
}
