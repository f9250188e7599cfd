//! Metrics of the process, for Prometheus.
//!
//! Updated by the middleware (requests), by the validation of keys (verdicts), by the writer (queue, groups, commits) and by
//! the source of the JWK set.
//! Served at `/metrics` on a separate address. The registry is built once; a scrape encodes it in one of the two formats of
//! [`Format`]. Invariant: the values of labels are from small fixed sets, so clients cannot create new time series.

mod computed;
mod key_set;
mod process;
mod text;

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::{ConstCounter, Counter},
        family::{Family, MetricConstructor},
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::Registry,
};

use self::computed::Computed;
pub use self::{key_set::KeySetMetrics, text::Format};

/// Upper bounds of durations in seconds, from a response out of memory to a request that timed out.
const SECONDS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0,
];

/// Upper bounds of the number of writes per commit.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The metrics of the process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Histogram, Seconds>,
    validations: Family<VerdictLabel, Counter>,
    keys: Family<StatusLabel, Gauge>,
    ready: Gauge,
    /// The writer's metrics.
    pub writer: WriterMetrics,
    /// The metrics of the JWK set.
    pub key_set: KeySetMetrics,
}

/// The metrics of the writer.
#[derive(Clone)]
pub struct WriterMetrics {
    queue_depth: Gauge,
    group_size: Histogram,
    commit: Histogram,
    failed_commits: Counter,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self {
            queue_depth: Gauge::default(),
            group_size: Histogram::new(SIZES),
            commit: Histogram::new(SECONDS),
            failed_commits: Counter::default(),
        }
    }
}

impl Metrics {
    /// Creates all metrics, at zero. `wal_bytes` returns the size of the database's write-ahead log, `dropped_log_lines`
    /// the number of log lines that were not written.
    #[must_use]
    pub fn new(
        wal_bytes: impl Fn() -> u64 + Send + Sync + 'static,
        dropped_log_lines: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let mut registry = Registry::default();
        process::register(&mut registry);
        let llavero = registry.sub_registry_with_prefix("llavero");
        let requests = Family::new_with_constructor(Seconds);
        llavero.register(
            "http_request_duration_seconds",
            "Time to respond to a request",
            requests.clone(),
        );
        let validations = Family::default();
        llavero.register(
            "validations",
            "Validations of API keys, by outcome",
            validations.clone(),
        );
        let keys = Family::default();
        llavero.register(
            "keys",
            "API keys of all organizations, by status",
            keys.clone(),
        );
        let ready = Gauge::default();
        llavero.register(
            "ready",
            "Whether the database can be read and written, as /readyz reports it: 1 or 0",
            ready.clone(),
        );
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        llavero.register("build", "The version of llavero", version);
        llavero.register_collector(Box::new(Computed {
            name: "wal_bytes",
            help: "Size of the write-ahead log.",
            value: move || ConstGauge::new(wal_bytes()),
        }));
        llavero.register_collector(Box::new(Computed {
            name: "log_dropped",
            help: "Log lines that were not written because standard error failed or was blocked.",
            value: move || ConstCounter::new(dropped_log_lines()),
        }));
        let writer = WriterMetrics::default();
        writer.register(llavero);
        let key_set = KeySetMetrics::default();
        key_set.register(llavero);
        Self {
            registry: Arc::new(registry),
            requests,
            validations,
            keys,
            ready,
            writer,
            key_set,
        }
    }

    /// Counts a request and its duration. `route` is the template of its route, or `-` if no route matched.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: known_method(method),
            route: route.to_owned(),
            status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// Counts the validation of a key.
    pub fn validation(&self, outcome: &'static str) {
        self.validations
            .get_or_create(&VerdictLabel { outcome })
            .inc();
    }

    /// Sets the number of keys by status. `None` removes the numbers, if they are unknown.
    pub fn set_keys(&self, counts: Option<[(&'static str, i64); 4]>) {
        let Some(counts) = counts else {
            return self.keys.clear();
        };
        for (status, count) in counts {
            self.keys.get_or_create(&StatusLabel { status }).set(count);
        }
    }

    /// Sets whether the database can be read and written.
    pub fn set_ready(&self, is_ready: bool) {
        self.ready.set(i64::from(is_ready));
    }

    /// Encodes all metrics.
    ///
    /// # Errors
    /// Never: writing to a string does not fail.
    pub fn encode(&self, format: Format) -> Result<String, fmt::Error> {
        text::encode(&self.registry, format)
    }
}

impl WriterMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "writer_queue_depth",
            "Writes that wait for the writer",
            self.queue_depth.clone(),
        );
        registry.register(
            "writer_group_size",
            "Writes that were committed together",
            self.group_size.clone(),
        );
        registry.register(
            "writer_commit_duration_seconds",
            "Time to commit a group of writes",
            self.commit.clone(),
        );
        registry.register(
            "writer_failed_commits",
            "Groups of writes that were not committed",
            self.failed_commits.clone(),
        );
    }

    /// Counts a write that enters the queue.
    pub fn queued(&self) {
        self.queue_depth.inc();
    }

    /// Counts a write that leaves the queue.
    pub fn taken(&self) {
        self.queue_depth.dec();
    }

    /// Counts the commit of a group of `writes`, and its duration.
    pub fn committed(&self, writes: usize, took: Duration) {
        self.group_size
            .observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
        self.commit.observe(took.as_secs_f64());
    }

    /// Counts a group that was not committed.
    pub fn commit_failed(&self) {
        self.failed_commits.inc();
    }
}

/// Returns the method if HTTP defines it (RFC 9110, section 9; RFC 5789), else `other`.
#[must_use]
pub fn known_method(method: &str) -> &'static str {
    let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    let found = methods.into_iter().find(|known| *known == method);
    found.unwrap_or("other")
}
