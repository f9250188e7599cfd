//! A metric whose value is computed at each scrape.
//!
//! Used for values that are stored elsewhere, such as the size of a file.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
};

/// A computed metric. `value` returns for instance a `ConstGauge`.
pub(super) struct Computed<F> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) value: F,
}

impl<F> fmt::Debug for Computed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F, M> Collector for Computed<F>
where
    F: Fn() -> M + Send + Sync + 'static,
    M: EncodeMetric,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let value = (self.value)();
        let metric = encoder.encode_descriptor(self.name, self.help, None, value.metric_type())?;
        value.encode(metric)
    }
}
