//! The application: everything that a request needs besides itself.
//!
//! Built here by the commands, the tests and the benches, so that all of them run the same application.

use std::{ops::Deref, sync::Arc};

use crate::{
    metrics::Metrics,
    model::{Clock, Random},
    store::Store,
    token::{ExpectedClaims, TrustedKey, Verifier},
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
        let metrics = store.metrics().clone();
        Self(Arc::new(Parts {
            store,
            verifier: Arc::new(Verifier::new(trusted, expected)),
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
            clock: self.clock.clone(),
            random,
            metrics: self.metrics.clone(),
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
