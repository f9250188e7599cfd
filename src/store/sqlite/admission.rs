//! The path of a use of a key: find the key, admit the request, count it.
//!
//! Called by [`crate::store::Store`] for each validation. The windows of the rate limits are in memory, in
//! [`crate::rate_limit`]. A window that is not there, after a start or a long time without use, is loaded from the
//! successes in [`super::rate_slots`], which are written in the transaction that counts the use.

use super::{Database, keys, rate_slots};
use crate::{
    model::{
        Admission, AdmissionDecision, ApiKey, Clock, KeyId, LimitState, LimitStates, MeteredLimit,
        MeteredUse, Outcome, QuotaState, RateLimit, SecretHash, Timestamp, UsageEvent, UseReceipt,
    },
    rate_limit::{Decision, Limiter, Moment, Slot},
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
        let now = clock.now();
        match (key.metered_limit(), key.quota) {
            (None, _) => {
                let receipt = self.write_use(one_use(key, now, Outcome::Success)).await?;
                Ok(admission(None, receipt, now))
            }
            (Some(limit), Some(quota)) if quota.is_exhausted(now) => {
                self.refuse(key, limit, &quota, clock).await
            }
            (Some(limit), _) => self.admit(key, limit, clock).await,
        }
    }

    /// Asks the limiter for a permit, counts the request, and takes a permit back that the quota does not admit.
    async fn admit(
        &self,
        key: &ApiKey,
        limit: MeteredLimit,
        clock: &Clock,
    ) -> Result<Admission, Error> {
        let (decision, now) = self.decide(key.id, limit, clock, Limiter::admit).await?;
        let mut state = state_of(limit, decision);
        if decision.admitted {
            let admitted = one_use(key, now, Outcome::Success);
            let receipt = self.count_admitted(admitted, decision).await?;
            state.remaining += i64::from(receipt.is_over_quota);
            return Ok(admission(Some(state), receipt, now));
        }
        let receipt = self
            .write_use(one_use(key, now, Outcome::RateLimited))
            .await?;
        Ok(Admission {
            decision: AdmissionDecision::RateLimited,
            ..admission(Some(state), receipt, now)
        })
    }

    /// Refuses and counts a request with a key whose quota was exhausted when the key was read. Asks the limiter without
    /// taking a permit: permits on their way back would let the limiter refuse requests that it admits.
    async fn refuse(
        &self,
        key: &ApiKey,
        limit: MeteredLimit,
        quota: &QuotaState,
        clock: &Clock,
    ) -> Result<Admission, Error> {
        let (decision, now) = self.decide(key.id, limit, clock, Limiter::peek).await?;
        self.write_use(one_use(key, now, Outcome::RateLimited))
            .await?;
        Ok(Admission {
            decision: if decision.admitted {
                AdmissionDecision::OverQuota
            } else {
                AdmissionDecision::RateLimited
            },
            limits: LimitStates {
                rate_limit: Some(state_of(limit, decision)),
                quota: Some(quota.at(now)),
            },
        })
    }

    /// Asks the limiter, and loads the key's window first if it is not in memory. Returns the decision with the time at
    /// which it was made.
    async fn decide(
        &self,
        key: KeyId,
        limit: MeteredLimit,
        clock: &Clock,
        ask: fn(&Limiter, KeyId, MeteredLimit, Moment) -> Option<Decision>,
    ) -> Result<(Decision, Timestamp), Error> {
        loop {
            let at = Moment {
                now: clock.now(),
                elapsed: clock.elapsed(),
            };
            if let Some(decision) = ask(&self.limiter, key, limit, at) {
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

    /// Counts a request that the limiter has admitted, or refunds it to the limiter. Runs on a task of its own, so that
    /// neither is skipped if the caller drops the future.
    async fn count_admitted(
        &self,
        admitted: MeteredUse,
        decision: Decision,
    ) -> Result<UseReceipt, Error> {
        let database = self.clone();
        let count = async move {
            let counted = database.write_use(admitted).await;
            if counted
                .as_ref()
                .map_or(true, |receipt| receipt.is_over_quota)
            {
                database.limiter.refund(admitted.event.key, decision.at);
            }
            counted
        };
        tokio::spawn(count).await?
    }

    /// See [`crate::store::Store::count_use`].
    pub(in crate::store) async fn count_use(&self, event: UsageEvent) -> Result<(), Error> {
        let metered = MeteredUse {
            event,
            rate_limit: None,
            has_quota: false,
        };
        self.write_use(metered).await.map(drop)
    }
}

/// Returns the admission of a request that the rate limit admits.
fn admission(rate_limit: Option<LimitState>, receipt: UseReceipt, now: Timestamp) -> Admission {
    Admission {
        decision: if receipt.is_over_quota {
            AdmissionDecision::OverQuota
        } else {
            AdmissionDecision::Admitted
        },
        limits: LimitStates {
            rate_limit,
            quota: receipt.quota.map(|quota| quota.at(now)),
        },
    }
}

fn state_of(limit: MeteredLimit, decision: Decision) -> LimitState {
    LimitState {
        limit: limit.rate.limit(),
        remaining: decision.remaining,
        reset: decision.reset,
    }
}

fn one_use(key: &ApiKey, at: Timestamp, outcome: Outcome) -> MeteredUse {
    MeteredUse {
        event: UsageEvent {
            key: key.id,
            at,
            outcome,
            count: 1,
        },
        rate_limit: key.rate_limit,
        has_quota: key.quota.is_some(),
    }
}

#[cfg(test)]
mod tests;
