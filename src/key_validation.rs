//! Validates an API key: the one decision that combines the store, the rate limiter and the count of uses.
//!
//! Called by the API for gateways and scripts. A verdict on a known key is recorded durably before it is returned; if
//! it cannot be recorded, the result is an error and not a verdict. A text without the form of a secret is rejected
//! without a query, and gets the same verdict as an unknown one.

use std::time::Duration;

use crate::{
    app::App,
    model::{ApiKey, KeyStatus, LiveUse, Outcome, RateLimit, Secret, Timestamp, Use},
    rate_limit::{Decision, Slot},
    store,
};

/// What is said of one attempt to use a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may pass.
    Valid {
        /// The key, as it was before this use.
        key: Box<ApiKey>,
        /// What is left of its rate limit, if it has one.
        quota: Option<Quota>,
    },
    /// No key was sent. Nothing is counted.
    Missing,
    /// No key has this secret, or not any more. Nothing is counted.
    Unknown,
    /// The key is revoked.
    Revoked,
    /// The key has expired.
    Expired,
    /// The key has not these scopes, which were asked for.
    MissingScopes(Vec<String>),
    /// The key is over its rate limit.
    RateLimited(Quota),
}

/// What is left of a key's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The limit.
    pub limit: i64,
    /// How many more may pass now.
    pub remaining: i64,
    /// Until one more may pass than now.
    pub reset: Duration,
}

/// Validates `secret`, which must belong to a key with all of `scopes`, and records the use. `None` if no key was sent.
///
/// # Errors
/// If the store cannot read or record. Nothing was counted then, and the use must not be allowed.
pub async fn validate(
    app: &App,
    secret: Option<&str>,
    scopes: &[String],
) -> Result<Verdict, store::Error> {
    let verdict = match secret {
        Some(secret) => judge(app, secret, scopes).await,
        None => Ok(Verdict::Missing),
    };
    app.metrics.validation(match &verdict {
        Ok(Verdict::Valid { .. }) => "valid",
        Ok(Verdict::Missing) => "missing",
        Ok(Verdict::Unknown) => "unknown",
        Ok(Verdict::Revoked) => "revoked",
        Ok(Verdict::Expired) => "expired",
        Ok(Verdict::MissingScopes(_)) => "missing_scopes",
        Ok(Verdict::RateLimited(_)) => "rate_limited",
        Err(_) => "failed",
    });
    verdict
}

async fn judge(app: &App, secret: &str, scopes: &[String]) -> Result<Verdict, store::Error> {
    let now = app.clock.now();
    let Some(secret) = Secret::parse(secret) else {
        return Ok(Verdict::Unknown);
    };
    let Some(key) = app.store.key_with_secret(secret.hash(), now).await? else {
        return Ok(Verdict::Unknown);
    };
    match refusal(&key, scopes, now) {
        Some(verdict) => {
            record(app, &key, now, Outcome::Error).await?;
            Ok(verdict)
        }
        None => admit(app, key, now).await,
    }
}

/// Why the key may not pass, whatever its rate.
fn refusal(key: &ApiKey, scopes: &[String], now: Timestamp) -> Option<Verdict> {
    match key.status(now) {
        KeyStatus::Revoked => return Some(Verdict::Revoked),
        KeyStatus::Expired => return Some(Verdict::Expired),
        KeyStatus::Active => {}
    }
    let lacks = |scope: &&String| !key.scopes.contains(scope);
    let missing: Vec<String> = scopes.iter().filter(lacks).cloned().collect();
    (!missing.is_empty()).then_some(Verdict::MissingScopes(missing))
}

/// Lets a sound key pass, unless it is over its limit.
async fn admit(app: &App, key: ApiKey, now: Timestamp) -> Result<Verdict, store::Error> {
    let Some(rate) = key.rate_limit else {
        record(app, &key, now, Outcome::Success).await?;
        let key = Box::new(key);
        return Ok(Verdict::Valid { key, quota: None });
    };
    let (decision, now) = decide(app, &key, rate).await?;
    let quota = Quota {
        limit: rate.limit(),
        remaining: decision.remaining,
        reset: decision.reset,
    };
    if !decision.admitted {
        record(app, &key, now, Outcome::RateLimited).await?;
        return Ok(Verdict::RateLimited(quota));
    }
    // On a task of its own: a caller who leaves meanwhile must not keep what was admitted from being recorded, or
    // taken back.
    let app = app.clone();
    let recording = async move {
        let recorded = record(&app, &key, now, Outcome::Success).await;
        if recorded.is_err() {
            app.limiter.refund(key.id, decision.at);
        }
        recorded.map(|()| Box::new(key))
    };
    let key = tokio::spawn(recording).await??;
    let quota = Some(quota);
    Ok(Verdict::Valid { key, quota })
}

/// Asks the limiter, and tells it the key's past first if it does not know the key: after a restart, or a long
/// time without use. Also what the clock said when it was asked.
async fn decide(
    app: &App,
    key: &ApiKey,
    rate: RateLimit,
) -> Result<(Decision, Timestamp), store::Error> {
    loop {
        let (now, at) = (app.clock.now(), app.clock.elapsed());
        if let Some(decision) = app.limiter.admit(key.id, at) {
            return Ok((decision, now));
        }
        let since = now.before(rate.window());
        let stored = app.store.successes_since(key.id, since, now).await?;
        let past = |(last, successes): (Timestamp, i64)| Slot {
            last: at.saturating_sub(now.since(last)),
            successes,
        };
        let past = stored.into_iter().map(past).collect();
        app.limiter.restore(key.id, rate, past, at);
    }
}

async fn record(
    app: &App,
    key: &ApiKey,
    at: Timestamp,
    outcome: Outcome,
) -> Result<(), store::Error> {
    let used = Use {
        key: key.id,
        at,
        outcome,
        count: 1,
    };
    let rate_limit = key.rate_limit;
    app.store.record_live(LiveUse { used, rate_limit }).await
}
