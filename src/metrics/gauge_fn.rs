//! A gauge whose value is computed at each scrape.
//!
//! For values that are kept elsewhere, such as the size of a file.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

/// The gauge.
pub(super) struct GaugeFn<F> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) value: F,
}

impl<F> fmt::Debug for GaugeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GaugeFn").field("name", &self.name).finish()
    }
}

impl<F: Fn() -> u64 + Send + Sync + 'static> Collector for GaugeFn<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        ConstGauge::new((self.value)()).encode(metric)
    }
}
