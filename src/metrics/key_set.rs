//! The metrics of the JWK set: fetches, usable keys, and the time of the last success.
//!
//! Updated by `crate::key_set`. Without a JWK set, the time is zero and the others have no samples.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The metrics of the JWK set. Clones share them.
#[derive(Clone, Default)]
pub struct KeySetMetrics {
    fetches: Family<OutcomeLabel, Counter>,
    keys: Family<AlgorithmLabel, Gauge>,
    last_success: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlgorithmLabel {
    algorithm: &'static str,
}

impl KeySetMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "jwks_fetches",
            "Fetches of the JWK set and reads of its file, by outcome",
            self.fetches.clone(),
        );
        registry.register(
            "jwks_keys",
            "Usable keys of the JWK set, by algorithm",
            self.keys.clone(),
        );
        registry.register(
            "jwks_last_success_timestamp_seconds",
            "When the JWK set was fetched from its URL, in seconds since the Unix epoch, or 0",
            self.last_success.clone(),
        );
    }

    /// Counts a fetch.
    pub fn fetched(&self, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.fetches.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Sets the number of usable keys by algorithm.
    pub fn set_keys(&self, counts: [(&'static str, usize); 3]) {
        for (algorithm, count) in counts {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.keys
                .get_or_create(&AlgorithmLabel { algorithm })
                .set(count);
        }
    }

    /// Sets the time at which the set in use was fetched, in seconds since 1970.
    pub fn set_last_success(&self, seconds: i64) {
        self.last_success.set(seconds);
    }
}
