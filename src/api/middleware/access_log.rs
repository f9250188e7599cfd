//! The access log: one line per request, with method, route, status, duration, request id and user; for a validation also
//! the key's id, its organization's id and the outcome.
//!
//! The line contains no text that may hold a secret: no path, no query, no unknown method, no header but the request id,
//! and no user id shaped like a secret. A response of 500 or above is logged as an error, unless the client requested that
//! status. Probes are logged at level debug. In a second with many refusals of unknown keys, most of them share a line:
//! [`super::unknown_keys`].

use std::time::Duration;

use poem::Response;
use uuid::Uuid;

use super::{RequestContext, unknown_keys::UnknownKeys};
use crate::{
    api::{
        endpoint::{HEALTHZ, READYZ},
        error::ApiError,
        pages::metrics::METRICS,
    },
    key_validation::UNKNOWN,
    metrics::known_method,
    model::{KeyId, OrganizationId, UserId, contains_secret},
};

/// Routes that monitoring requests every few seconds.
const PROBES: [&str; 3] = [HEALTHZ, READYZ, METRICS];

/// Marks a response, in its data, whose status the client requested. It does not report a failure.
#[derive(Clone, Copy)]
pub(crate) struct RequestedResponse;

/// The result of a validation. The handler puts it into the data of its response or its error.
#[derive(Clone, Copy)]
pub(crate) struct LoggedValidation {
    /// The key and its organization, if a key was found.
    pub(crate) key: Option<(KeyId, OrganizationId)>,
    /// The outcome, as in the metrics.
    pub(crate) outcome: &'static str,
}

/// Writes the line, unless the request is one of many with unknown keys. Removes the [`ApiError`] from the response's data.
pub(super) fn write(
    context: &RequestContext,
    route: &str,
    response: &mut Response,
    duration: Duration,
    unknown_keys: &UnknownKeys,
) {
    let error = response.extensions_mut().remove::<ApiError>();
    let is_requested = response.data::<RequestedResponse>().is_some();
    let is_failure = response.status().is_server_error() && !is_requested;
    let method = known_method(context.method.as_str());
    let status = response.status().as_u16();
    let microseconds = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    let request = context.id.to_str().unwrap_or_default();
    let user = context.user.get().map(UserId::as_str);
    let user = user.filter(|user| !contains_secret(user));
    let cause = error.as_ref().and_then(ApiError::cause);
    let validation = response.data::<LoggedValidation>().copied();
    let outcome = validation.map(|validation| validation.outcome);
    if outcome == Some(UNKNOWN) && !unknown_keys.has_line(context.started + duration) {
        return;
    }
    let key = validation.and_then(|validation| validation.key);
    let mut buffers = [Uuid::encode_buffer(); 2];
    let [key_buffer, organization_buffer] = &mut buffers;
    let organization = key.map(|(_, id)| id.0.hyphenated().encode_lower(organization_buffer));
    let key = key.map(|(id, _)| id.0.hyphenated().encode_lower(key_buffer));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                method,
                route,
                status,
                duration_ms = f64::from(microseconds) / 1000.0,
                request.id = request,
                user.id = user,
                key.id = key.as_deref(),
                organization.id = organization.as_deref(),
                outcome,
                cause,
                "request"
            )
        };
    }
    if is_failure {
        line!(error);
    } else if PROBES.contains(&route) {
        line!(debug);
    } else {
        line!(info);
    }
}
