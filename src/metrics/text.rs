//! The two text formats of Prometheus: `OpenMetrics` 1.0, and the older text format 0.0.4.
//!
//! `prometheus_client` encodes only `OpenMetrics`. [`to_prometheus`] converts it to the older format. The samples are the
//! same in both formats, because the metrics have neither exemplars nor timestamps. Only the comment lines differ.
//!
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::fmt::{self, Write};

use prometheus_client::{encoding::text, registry::Registry};

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus text format 0.0.4, which all consumers support.
    Prometheus,
}

impl Format {
    /// Returns the media type of the format, for `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Encodes the metrics of `registry`.
pub(super) fn encode(registry: &Registry, format: Format) -> Result<String, fmt::Error> {
    let mut encoded = String::new();
    text::encode(&mut encoded, registry)?;
    match format {
        Format::OpenMetrics => Ok(encoded),
        Format::Prometheus => to_prometheus(&encoded),
    }
}

/// Converts `OpenMetrics` to the text format 0.0.4.
///
/// In `OpenMetrics`, `HELP` and `TYPE` name a metric family: `x` has the samples `x_total` if it is a counter and `x_info`
/// if it is an info. In 0.0.4 they name the samples, infos are gauges, and there is neither `UNIT` nor `EOF`.
fn to_prometheus(openmetrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = "";
    for line in openmetrics.lines() {
        if let Some(family) = line.strip_prefix("# HELP ") {
            // Written together with the next line, `TYPE`, which determines the suffix.
            help = family.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap_or((family, "unknown"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            writeln!(text, "# HELP {name}{suffix} {help}")?;
            writeln!(text, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_prometheus_names_samples_in_help_and_type() {
        let openmetrics = "\
# HELP requests Requests received.
# TYPE requests counter
requests_total{method=\"GET\"} 3
# HELP build The version.
# TYPE build info
build_info{version=\"1 # 2\"} 1
# HELP size_bytes Size.
# TYPE size_bytes gauge
# UNIT size_bytes bytes
size_bytes 17
# HELP other Anything.
# TYPE other unknown
other 1
# EOF
";
        let prometheus = "\
# HELP requests_total Requests received.
# TYPE requests_total counter
requests_total{method=\"GET\"} 3
# HELP build_info The version.
# TYPE build_info gauge
build_info{version=\"1 # 2\"} 1
# HELP size_bytes Size.
# TYPE size_bytes gauge
size_bytes 17
# HELP other Anything.
# TYPE other untyped
other 1
";
        assert_eq!(to_prometheus(openmetrics).as_deref(), Ok(prometheus));
    }
}
