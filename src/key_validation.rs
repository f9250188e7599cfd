//! Validates an API key: finds it by its secret, checks it, and admits and counts the request.
//!
//! Called by the API for gateways and scripts. A verdict on a known key is counted durably before it is returned; if it
//! cannot be counted, the result is an error and not a verdict. A text without the form of a secret is rejected without
//! a query, and gets the same verdict as an unknown one.

use crate::{
    app::App,
    model::{Admission, ApiKey, KeyStatus, Outcome, RateLimitState, Secret, Timestamp, UsageEvent},
    store,
};

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key is valid and the request is admitted.
    Valid {
        /// The key, as it was before this use.
        key: Box<ApiKey>,
        /// The state of its rate limit; `None` if it is unlimited.
        rate_limit: Option<RateLimitState>,
    },
    /// No key was sent. Nothing is counted.
    MissingKey,
    /// No key has this secret, or its grace period has ended. Nothing is counted.
    InvalidKey,
    /// The key is revoked.
    Revoked,
    /// The key has expired.
    Expired,
    /// The key is disabled.
    Disabled,
    /// The key lacks these of the required scopes.
    MissingScopes(Vec<String>),
    /// The key is over its rate limit.
    RateLimited(RateLimitState),
}

/// Validates `secret`, which must belong to a key with all of `scopes`, and counts the use. `None` if no key was sent.
///
/// # Errors
/// If the store cannot read or count. Nothing was counted then, and the use must not be allowed.
pub async fn validate(
    app: &App,
    secret: Option<&str>,
    scopes: &[String],
) -> Result<Verdict, store::Error> {
    let verdict = match secret {
        Some(secret) => decide(app, secret, scopes).await,
        None => Ok(Verdict::MissingKey),
    };
    app.metrics.validation(match &verdict {
        Ok(Verdict::Valid { .. }) => "valid",
        Ok(Verdict::MissingKey) => "missing",
        Ok(Verdict::InvalidKey) => "unknown",
        Ok(Verdict::Revoked) => "revoked",
        Ok(Verdict::Expired) => "expired",
        Ok(Verdict::Disabled) => "disabled",
        Ok(Verdict::MissingScopes(_)) => "missing_scopes",
        Ok(Verdict::RateLimited(_)) => "rate_limited",
        Err(_) => "failed",
    });
    verdict
}

async fn decide(app: &App, secret: &str, scopes: &[String]) -> Result<Verdict, store::Error> {
    let (store, clock) = (&app.store, &app.clock);
    let now = clock.now();
    let Some(secret) = Secret::parse(secret) else {
        return Ok(Verdict::InvalidKey);
    };
    let Some(key) = store.key_with_secret(secret.hash(), now).await? else {
        return Ok(Verdict::InvalidKey);
    };
    if let Some(verdict) = deny(&key, scopes, now) {
        store.count_use(denied_use(&key, now)).await?;
        return Ok(verdict);
    }
    let admission = store.admit_and_count(&key, clock).await?;
    Ok(match admission {
        Admission::Admitted(rate_limit) => Verdict::Valid {
            key: Box::new(key),
            rate_limit,
        },
        Admission::Limited(state) => Verdict::RateLimited(state),
    })
}

/// Returns the verdict on a key that is not active or lacks a scope.
fn deny(key: &ApiKey, scopes: &[String], now: Timestamp) -> Option<Verdict> {
    match key.status(now) {
        KeyStatus::Revoked => return Some(Verdict::Revoked),
        KeyStatus::Expired => return Some(Verdict::Expired),
        KeyStatus::Disabled => return Some(Verdict::Disabled),
        KeyStatus::Active => {}
    }
    let is_missing = |scope: &&String| !key.scopes.contains(scope);
    let missing: Vec<String> = scopes.iter().filter(is_missing).cloned().collect();
    (!missing.is_empty()).then_some(Verdict::MissingScopes(missing))
}

fn denied_use(key: &ApiKey, at: Timestamp) -> UsageEvent {
    UsageEvent {
        key: key.id,
        at,
        outcome: Outcome::Error,
        count: 1,
    }
}
