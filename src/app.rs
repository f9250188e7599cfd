//! The application: everything that a request needs besides itself.
//!
//! Built here by the commands, the tests and the benches, so that all of them run the same application.

use std::{ops::Deref, sync::Arc};

use crate::{
    key_set::KeySetSource,
    metrics::Metrics,
    model::{Clock, Random, Timestamp, UserId},
    store::Store,
    token::{ExpectedClaims, TokenError, TrustedKey, Verifier},
};

/// A handle to the [`Parts`] of an application. Clones share them; each request has one.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The store, the verifier of bearer tokens, the clock, the source of randomness, and the metrics.
pub struct Parts {
    /// The database, with the rate limiter.
    pub store: Store,
    /// The verifier of bearer tokens.
    pub verifier: Arc<Verifier>,
    /// The source of the verifier's JWK set, if it is a URL.
    pub key_set: Option<KeySetSource>,
    /// The clock.
    pub clock: Clock,
    /// The source of randomness for ids and secrets.
    pub random: Random,
    /// The metrics. The store updates the same ones.
    pub metrics: Metrics,
}

impl App {
    /// Creates an application on an open store.
    #[must_use]
    pub fn new(
        store: Store,
        trusted: TrustedKey,
        expected: ExpectedClaims,
        clock: Clock,
        random: Random,
    ) -> Self {
        let verifier = Arc::new(Verifier::new(trusted, expected));
        Self::with_verifier(store, verifier, None, clock, random)
    }

    /// Creates an application on an open store, whose verifier may have a JWK set from `key_set`.
    #[must_use]
    pub fn with_verifier(
        store: Store,
        verifier: Arc<Verifier>,
        key_set: Option<KeySetSource>,
        clock: Clock,
        random: Random,
    ) -> Self {
        let metrics = store.metrics().clone();
        Self(Arc::new(Parts {
            store,
            verifier,
            key_set,
            clock,
            random,
            metrics,
        }))
    }

    /// Returns the same application on another store, with another source of randomness.
    #[must_use]
    pub fn with(&self, store: Store, random: Random) -> Self {
        Self(Arc::new(Parts {
            store,
            verifier: Arc::clone(&self.verifier),
            key_set: self.key_set.clone(),
            clock: self.clock.clone(),
            random,
            metrics: self.metrics.clone(),
        }))
    }
}

impl Parts {
    /// Verifies a bearer token now. Returns its user and its `exp`. If the token names a key that the JWK set lacks, or
    /// there is no set, waits for a fetch of the set first.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn authenticate(&self, token: &str) -> Result<(UserId, Timestamp), TokenError> {
        let verify = || self.verifier.verify_with_expiry(token, self.clock.now());
        let verified = verify();
        let Some(source) = &self.key_set else {
            return verified;
        };
        match verified {
            Err(TokenError::UnknownKey) => source.wait_for_unknown_key().await,
            Err(TokenError::NoKeySet) => source.wait_for_set().await,
            decided => return decided,
        }
        verify()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
