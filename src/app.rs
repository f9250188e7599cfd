//! The application: what a request needs besides itself.
//!
//! `main`, the tests and the benches all build it here, so what they run is the same thing.

use std::sync::Arc;

use crate::{
    metrics::Metrics,
    model::{Clock, Random},
    rate_limit::Limiter,
    store::Store,
    token::{Expected, TrustedKey, Verifier},
};

/// The store, the verifier of tokens, the time, randomness, and the rate limits. Clones share them.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// Who a bearer token speaks for.
    pub verifier: Arc<Verifier>,
    /// The time.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub random: Random,
    /// How often each key was used lately.
    pub limiter: Arc<Limiter>,
    /// What is measured; the store's writer measures the same.
    pub metrics: Metrics,
}

impl App {
    /// An application on an open store.
    #[must_use]
    pub fn new(
        store: Store,
        trusted: TrustedKey,
        expected: Expected,
        clock: Clock,
        random: Random,
    ) -> Self {
        let metrics = store.metrics().clone();
        Self {
            store,
            verifier: Arc::new(Verifier::new(trusted, expected)),
            clock,
            random,
            limiter: Arc::new(Limiter::new()),
            metrics,
        }
    }

    /// The same application on another store, with other randomness, and with no memory of how keys were used.
    #[must_use]
    pub fn with(&self, store: Store, random: Random) -> Self {
        Self {
            store,
            random,
            limiter: Arc::new(Limiter::new()),
            ..self.clone()
        }
    }
}
