//! What the process measures of itself, for Prometheus.
//!
//! Counted where it happens: the envelope (requests), the validation (verdicts), the writer (queue, groups,
//! commits). Read by `api::metrics`, on an address of its own. Labels are few and bounded: nothing that a caller
//! can choose becomes one.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::Registry,
};

/// Upper bounds in seconds, from an answer out of memory to a request that was cut off.
const SECONDS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0,
];

/// Upper bounds of how many writes were committed together.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// All measurements of a process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Histogram, Seconds>,
    validations: Family<VerdictLabel, Counter>,
    /// Of the writer.
    pub writer: WriterMetrics,
}

/// Measurements of the one writer.
#[derive(Clone)]
pub struct WriterMetrics {
    queue_depth: Gauge,
    group_size: Histogram,
    commit: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabel {
    outcome: &'static str,
}

#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::new_with_constructor(Seconds),
            validations: Family::default(),
            writer: WriterMetrics::default(),
        }
    }
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self {
            queue_depth: Gauge::default(),
            group_size: Histogram::new(SIZES),
            commit: Histogram::new(SECONDS),
        }
    }
}

impl Metrics {
    /// A request was answered. `route` is the template of its route, `-` for none.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: known(method),
            route: route.to_owned(),
            status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A key was validated, with this outcome.
    pub fn validation(&self, outcome: &'static str) {
        self.validations
            .get_or_create(&VerdictLabel { outcome })
            .inc();
    }

    /// Everything in the text format `OpenMetrics` 1.0, with the size of the write-ahead log at this moment.
    ///
    /// # Errors
    /// None that writing to a string can have.
    pub fn text(&self, wal_bytes: u64) -> Result<String, fmt::Error> {
        let wal: Gauge = Gauge::default();
        wal.set(i64::try_from(wal_bytes).unwrap_or(i64::MAX));
        let mut registry = Registry::with_prefix("llavero");
        registry.register(
            "http_request_duration_seconds",
            "Time to answer a request",
            self.requests.clone(),
        );
        registry.register(
            "validations",
            "Validations of keys by outcome",
            self.validations.clone(),
        );
        registry.register(
            "writer_queue_depth",
            "Writes that wait for the writer",
            self.writer.queue_depth.clone(),
        );
        registry.register(
            "writer_group_size",
            "Writes that were committed together",
            self.writer.group_size.clone(),
        );
        registry.register(
            "writer_commit_duration_seconds",
            "Time to commit a group of writes",
            self.writer.commit.clone(),
        );
        registry.register("wal_bytes", "Size of the write-ahead log", wal);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl WriterMetrics {
    /// A write went into the queue.
    pub fn queued(&self) {
        self.queue_depth.inc();
    }

    /// A write came out of it.
    pub fn taken(&self) {
        self.queue_depth.dec();
    }

    /// A group of so many writes was committed in this time.
    pub fn committed(&self, writes: usize, took: Duration) {
        self.group_size
            .observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
        self.commit.observe(took.as_secs_f64());
    }
}

/// The method, if it is one that HTTP defines (RFC 9110, section 9): a caller may send any word.
fn known(method: &str) -> &'static str {
    let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    let found = methods.into_iter().find(|known| *known == method);
    found.unwrap_or("other")
}
