//! Validates an API key: finds it by its secret, checks it, and admits and counts the request.
//!
//! Called by the API for gateways and scripts. A verdict on a known key is counted durably before it is returned; if it
//! cannot be counted, the result is an error and not a verdict. A text without the form of a secret is rejected without
//! a query, and gets the same verdict as an unknown one.

use crate::{
    app::App,
    model::{
        Admission, AdmissionDecision, ApiKey, KeyId, KeyStatus, LimitStates, OrganizationId,
        Outcome, Secret, Timestamp, UsageEvent,
    },
    store,
};

/// The outcome of a validation whose key is unknown or malformed.
pub const UNKNOWN: &str = "unknown";

/// A validation: what was decided, and about which key.
#[derive(Debug)]
pub struct Validation {
    /// The key that has the secret, and its organization; `None` if no key was found.
    pub key: Option<(KeyId, OrganizationId)>,
    /// The verdict. An error if the store cannot read or count: nothing was counted then, and the use must not be allowed.
    pub verdict: Result<Verdict, store::Error>,
}

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key is valid and the request is admitted.
    Valid {
        /// The key, as it was before this use.
        key: Box<ApiKey>,
        /// The states of its limits after this use.
        limits: LimitStates,
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
    RateLimited(LimitStates),
    /// The key is over its quota.
    OverQuota(LimitStates),
}

impl Validation {
    /// Returns the name of the outcome, in the metrics and in the log.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match &self.verdict {
            Ok(Verdict::Valid { .. }) => "valid",
            Ok(Verdict::MissingKey) => "missing",
            Ok(Verdict::InvalidKey) => UNKNOWN,
            Ok(Verdict::Revoked) => "revoked",
            Ok(Verdict::Expired) => "expired",
            Ok(Verdict::Disabled) => "disabled",
            Ok(Verdict::MissingScopes(_)) => "missing_scopes",
            Ok(Verdict::RateLimited(_)) => "rate_limited",
            Ok(Verdict::OverQuota(_)) => "over_quota",
            Err(_) => "failed",
        }
    }
}

/// Validates `secret`, which must belong to a key with all of `scopes`, and counts the use. `None` if no key was sent.
pub async fn validate(app: &App, secret: Option<&str>, scopes: &[String]) -> Validation {
    let validation = match find(app, secret).await {
        Ok(Ok(key)) => Validation {
            key: Some((key.id, key.organization)),
            verdict: decide(app, key, scopes).await,
        },
        Ok(Err(verdict)) => Validation {
            key: None,
            verdict: Ok(verdict),
        },
        Err(error) => Validation {
            key: None,
            verdict: Err(error),
        },
    };
    app.metrics.validation(validation.outcome());
    validation
}

/// Returns the key that has the secret, or the verdict without one.
async fn find(app: &App, secret: Option<&str>) -> Result<Result<ApiKey, Verdict>, store::Error> {
    let Some(secret) = secret else {
        return Ok(Err(Verdict::MissingKey));
    };
    let Some(secret) = Secret::parse(secret) else {
        return Ok(Err(Verdict::InvalidKey));
    };
    let now = app.clock.now();
    let found = app.store.key_with_secret(secret.hash(), now).await?;
    Ok(found.ok_or(Verdict::InvalidKey))
}

/// Decides about a known key, and counts the use.
async fn decide(app: &App, key: ApiKey, scopes: &[String]) -> Result<Verdict, store::Error> {
    let (store, clock) = (&app.store, &app.clock);
    let now = clock.now();
    if let Some(verdict) = deny(&key, scopes, now) {
        store.count_use(denied_use(&key, now)).await?;
        return Ok(verdict);
    }
    let Admission { decision, limits } = store.admit_and_count(&key, clock).await?;
    Ok(match decision {
        AdmissionDecision::Admitted => Verdict::Valid {
            key: Box::new(key),
            limits,
        },
        AdmissionDecision::RateLimited => Verdict::RateLimited(limits),
        AdmissionDecision::OverQuota => Verdict::OverQuota(limits),
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
