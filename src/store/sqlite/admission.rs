//! The path of a use of a key: find the key, admit the request, count it.
//!
//! Called by [`crate::store::Store`] for each validation. The windows of the rate limits are in memory, in
//! [`crate::rate_limit`]. A window that is not there, after a start or a long time without use, is loaded from the
//! successes in [`super::rate_slots`], which are written in the transaction that counts the use.

use super::{Database, keys, rate_slots};
use crate::{
    model::{
        Admission, ApiKey, Clock, KeyId, MeteredLimit, MeteredUse, Outcome, RateLimit,
        RateLimitState, SecretHash, Timestamp, UsageEvent,
    },
    rate_limit::{Decision, Moment, Slot},
    store::Error,
};

impl Database {
    /// See [`crate::store::Store::key_with_secret`].
    pub(in crate::store) async fn key_with_secret(
        &self,
        secret: SecretHash,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        let found = self
            .readers
            .read(move |conn| keys::by_secret(conn, &secret, now))
            .await?;
        if found.is_none() {
            self.check_file()?;
        }
        Ok(found)
    }

    /// See [`crate::store::Store::admit_and_count`].
    pub(in crate::store) async fn admit_and_count(
        &self,
        key: &ApiKey,
        clock: &Clock,
    ) -> Result<Admission, Error> {
        let Some(limit) = key.metered_limit() else {
            let event = one_use(key.id, clock.now(), Outcome::Success);
            self.count_use(event, None).await?;
            return Ok(Admission::Admitted(None));
        };
        let key = key.id;
        let (decision, now) = self.decide(key, limit, clock).await?;
        let state = RateLimitState {
            limit: limit.rate.limit(),
            remaining: decision.remaining,
            reset: decision.reset,
        };
        if decision.admitted {
            self.count_admitted(key, limit.rate, decision, now).await?;
            Ok(Admission::Admitted(Some(state)))
        } else {
            let event = one_use(key, now, Outcome::RateLimited);
            self.count_use(event, None).await?;
            Ok(Admission::Limited(state))
        }
    }

    /// Asks the limiter, and loads the key's window first if it is not in memory. Returns the decision with the time at
    /// which it was made.
    async fn decide(
        &self,
        key: KeyId,
        limit: MeteredLimit,
        clock: &Clock,
    ) -> Result<(Decision, Timestamp), Error> {
        loop {
            let at = Moment {
                now: clock.now(),
                elapsed: clock.elapsed(),
            };
            if let Some(decision) = self.limiter.admit(key, limit, at) {
                return Ok((decision, at.now));
            }
            let window = self.load_window(key, limit.rate, at).await?;
            self.limiter.restore(key, limit, window, at);
        }
    }

    /// Reads the stored successes of a key's window and converts their wall-clock times to the monotonic time of the
    /// limiter, as of the moment `at`.
    async fn load_window(
        &self,
        key: KeyId,
        rate: RateLimit,
        at: Moment,
    ) -> Result<Vec<Slot>, Error> {
        let Moment { now, elapsed } = at;
        let since = now.before(rate.window());
        let read = move |conn: &_| rate_slots::since(conn, key, since);
        let mut stored = self.readers.read(read).await?;
        if stored.iter().any(|slot| slot.last_at > now) {
            self.write(move |tx| rate_slots::clamp_to_now(tx, key, now))
                .await?;
            stored = self.readers.read(read).await?;
        }
        let slot = |stored: rate_slots::StoredSlot| Slot {
            last: elapsed.saturating_sub(now.since(stored.last_at)),
            successes: stored.successes,
        };
        Ok(stored.into_iter().map(slot).collect())
    }

    /// Counts an admitted request, or refunds it to the limiter. Runs on a task of its own, so that neither is skipped
    /// if the caller drops the future.
    async fn count_admitted(
        &self,
        key: KeyId,
        rate: RateLimit,
        decision: Decision,
        now: Timestamp,
    ) -> Result<(), Error> {
        let database = self.clone();
        let count = async move {
            let event = one_use(key, now, Outcome::Success);
            let counted = database.count_use(event, Some(rate)).await;
            if counted.is_err() {
                database.limiter.refund(key, decision.at);
            }
            counted
        };
        tokio::spawn(count).await?
    }

    /// Counts a use. A success also counts against `rate_limit`.
    pub(in crate::store) async fn count_use(
        &self,
        event: UsageEvent,
        rate_limit: Option<RateLimit>,
    ) -> Result<(), Error> {
        self.write_use(MeteredUse { event, rate_limit }).await
    }
}

fn one_use(key: KeyId, at: Timestamp, outcome: Outcome) -> UsageEvent {
    UsageEvent {
        key,
        at,
        outcome,
        count: 1,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroU32,
        task::{Context, Waker},
    };

    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{
            KeySettings, Name, NewKey, Organization, OrganizationId, Secret, Seed, SeedKey,
            SeedState, Slug,
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
        assert!(matches!(next, Admission::Limited(_)), "{next:?}");
    }
}
