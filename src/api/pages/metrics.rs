//! `GET /metrics`, for Prometheus, on an address of its own.
//!
//! Not part of the API: the metrics tell how much a service is used, and are for its operator. `serve --metrics-listen`
//! decides who can reach them. The format is negotiated by `Accept` (RFC 9110, section 12.5.1).

use poem::{
    Endpoint, FromRequest, Request, Response, Result,
    http::{HeaderValue, header},
    web::Accept,
};

use crate::api::error::ApiError;
use crate::{app::App, metrics::Format, model::KeyStatusCounts};

/// The only path at that address.
pub(crate) const METRICS: &str = "/metrics";

/// The page.
pub(crate) struct MetricsPage(pub(crate) App);

impl Endpoint for MetricsPage {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let format = format(&Accept::from_request_without_body(&request).await?);
        let store = &self.0.store;
        self.0.metrics.set_ready(store.check().await.is_ok());
        self.count_keys().await;
        let text = self.0.metrics.encode(format);
        let text = text.map_err(|error| ApiError::Internal {
            cause: error.to_string(),
        })?;
        Ok(Response::builder()
            .content_type(format.content_type())
            .header(header::VARY, HeaderValue::from_static("Accept"))
            .body(text))
    }
}

impl MetricsPage {
    /// Updates the counts of keys. Removes them if the store cannot answer: the other metrics are needed then.
    async fn count_keys(&self) {
        let app = &self.0;
        let counts = app.store.key_status_counts(app.clock.now()).await;
        if let Err(error) = &counts {
            tracing::warn!(%error, "llavero_keys is missing from /metrics");
        }
        let labelled = |counts: KeyStatusCounts| {
            [
                ("active", counts.active),
                ("revoked", counts.revoked),
                ("expired", counts.expired),
                ("disabled", counts.disabled),
            ]
        };
        app.metrics.set_keys(counts.ok().map(labelled));
    }
}

/// Chooses the format: `OpenMetrics` if `Accept` names it and does not prefer text to it.
fn format(accept: &Accept) -> Format {
    let openmetrics = accept
        .0
        .iter()
        .filter(|range| range.essence_str() == "application/openmetrics-text")
        .filter(|range| range.get_param("version").is_none_or(|v| v == "1.0.0"))
        .map(|range| quality(range.get_param("q")))
        .fold(0.0, f32::max);
    // The most specific range decides.
    let text = ["text/plain", "text/*", "*/*"].iter().find_map(|wanted| {
        let ranges = accept
            .0
            .iter()
            .filter(|range| range.essence_str() == *wanted);
        let qualities = ranges.map(|range| quality(range.get_param("q")));
        qualities.reduce(f32::max)
    });
    if openmetrics > 0.0 && openmetrics >= text.unwrap_or(0.0) {
        Format::OpenMetrics
    } else {
        Format::Prometheus
    }
}

/// The value of the parameter `q`; 1 by default.
fn quality(q: Option<impl AsRef<str>>) -> f32 {
    q.and_then(|q| q.as_ref().parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn format_is_openmetrics_only_if_accept_prefers_it() {
        for (accept, expected) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/html, */*;q=0.8", Format::Prometheus),
            ("text/plain; version=0.0.4", Format::Prometheus),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                Format::OpenMetrics,
            ),
            (
                "Application/OpenMetrics-Text; Version=1.0.0",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text; version=0.0.1",
                Format::Prometheus,
            ),
            ("application/openmetrics-text; q=0", Format::Prometheus),
            (
                "application/openmetrics-text; q=0.2, text/plain; q=0.5",
                Format::Prometheus,
            ),
            (
                "text/plain; q=0.5, application/openmetrics-text; q=0.6",
                Format::OpenMetrics,
            ),
            (
                "text/plain, application/openmetrics-text",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.5, text/plain;q=0.1, */*",
                Format::OpenMetrics,
            ),
            // Sent by Prometheus 2 and 3.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics,
            ),
        ] {
            let request = Request::builder().header(header::ACCEPT, accept).finish();
            let accepted = Accept::from_request_without_body(&request).await.unwrap();
            assert_eq!(format(&accepted), expected, "{accept}");
        }
    }
}
