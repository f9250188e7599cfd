//! The `process_*` metrics: CPU time, memory, threads and file descriptors.
//!
//! The names are those of Prometheus's client libraries. A scrape reads the values from `/proc`. A value that cannot be
//! read is omitted. On systems other than Linux, all values are omitted.

use prometheus_client::registry::Registry;

/// Registers the metrics.
pub(super) fn register(registry: &mut Registry) {
    #[cfg(target_os = "linux")]
    registry
        .sub_registry_with_prefix("process")
        .register_collector(Box::new(linux::Process::new()));
    #[cfg(not(target_os = "linux"))]
    let _ = registry;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{fmt, time::Duration};

    use procfs::{
        ProcResult,
        process::{LimitValue, Process as ProcEntry, Stat},
    };
    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::{counter::ConstCounter, gauge::ConstGauge},
    };

    /// Reads this process's entry in `/proc`.
    #[derive(Debug)]
    pub(super) struct Process {
        /// The time from the Unix epoch to the start of the process. Read once: the kernel derives it from the
        /// system's clock, so it moves when the clock is set.
        started: Option<Duration>,
    }

    /// Name, help text and value.
    type Metric = (&'static str, &'static str, Box<dyn EncodeMetric>);

    impl Process {
        pub(super) fn new() -> Self {
            let stat = ProcEntry::myself().and_then(|entry| entry.stat());
            let started = stat.and_then(|stat| start_time(&stat));
            Self {
                started: started.ok(),
            }
        }

        fn metrics(&self) -> Vec<Metric> {
            let mut metrics: Vec<Metric> = Vec::new();
            if let Some(started) = self.started {
                let value = gauge(started.as_secs_f64());
                let help = "Start time of the process since the Unix epoch in seconds.";
                metrics.push(("start_time_seconds", help, value));
            }
            let Ok(entry) = ProcEntry::myself() else {
                return metrics;
            };
            metrics.extend(
                entry
                    .stat()
                    .into_iter()
                    .flat_map(|stat| stat_metrics(&stat)),
            );
            if let Ok(count) = entry.fd_count() {
                metrics.push(("open_fds", "Open file descriptors.", gauge(count)));
            }
            if let Ok(LimitValue::Value(limit)) =
                entry.limits().map(|l| l.max_open_files.soft_limit)
            {
                metrics.push(("max_fds", "Limit of open file descriptors.", gauge(limit)));
            }
            metrics
        }
    }

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            for (name, help, value) in self.metrics() {
                let metric = encoder.encode_descriptor(name, help, None, value.metric_type())?;
                value.encode(metric)?;
            }
            Ok(())
        }
    }

    fn stat_metrics(stat: &Stat) -> [Metric; 4] {
        let cpu = ticks(stat.utime + stat.stime).as_secs_f64();
        let resident = stat.rss.saturating_mul(procfs::page_size());
        [
            (
                "cpu_seconds",
                "User and system CPU time spent in seconds.",
                Box::new(ConstCounter::new(cpu)),
            ),
            (
                "resident_memory_bytes",
                "Resident memory size in bytes.",
                gauge(resident),
            ),
            (
                "virtual_memory_bytes",
                "Virtual memory size in bytes.",
                gauge(stat.vsize),
            ),
            (
                "threads",
                "Threads of the process.",
                gauge(stat.num_threads),
            ),
        ]
    }

    fn start_time(stat: &Stat) -> ProcResult<Duration> {
        Ok(Duration::from_secs(procfs::boot_time_secs()?) + ticks(stat.starttime))
    }

    /// Converts clock ticks, the unit of `/proc/[pid]/stat`, to a duration.
    fn ticks(number: u64) -> Duration {
        Duration::from_millis(number.saturating_mul(1000) / procfs::ticks_per_second())
    }

    fn gauge<N>(value: N) -> Box<dyn EncodeMetric>
    where
        ConstGauge<N>: EncodeMetric + 'static,
    {
        Box::new(ConstGauge::new(value))
    }
}
