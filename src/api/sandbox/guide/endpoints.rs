//! The sandbox's own endpoints: `GET /sandbox` and `POST /sandbox/reset`.
//!
//! They are not operations of the API and do not require a bearer token.

use poem::{
    Endpoint, FromRequest, IntoResponse, Request, Response, Result,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    web::{Accept, Json},
};
use serde::Serialize;

use super::{Guide, html};
use crate::{
    api::{
        error::ApiError,
        extract::exactly_one,
        sandbox::{
            openapi::ORIGIN,
            session::{SESSION_NAME, session, valid_token},
        },
    },
    model::Clock,
    sandbox::Sandbox,
};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// `GET /sandbox`: the guide as a page for browsers, as JSON for other clients.
pub(in crate::api::sandbox) struct GuidePage {
    pub(in crate::api::sandbox) guide: Guide,
    pub(in crate::api::sandbox) clock: Clock,
}

/// The guide and the current time.
#[derive(Serialize)]
struct GuideOut<'a> {
    clock: String,
    #[serde(flatten)]
    guide: &'a Guide,
}

impl Endpoint for GuidePage {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (clock, guide) = (self.clock.now().to_string(), &self.guide);
        let accept = Accept::from_request_without_body(&request).await?;
        let mut response = if names_html(&accept) {
            html::response(guide, &clock, &origin(request.headers()))
        } else {
            Json(GuideOut { clock, guide }).into_response()
        };
        let vary = HeaderValue::from_static("Accept");
        response.headers_mut().insert(header::VARY, vary);
        Ok(response)
    }
}

/// Returns whether `Accept` names HTML, as browsers do and scripts do not.
fn names_html(accept: &Accept) -> bool {
    let mut ranges = accept.0.iter();
    ranges.any(|range| range.essence_str() == "text/html")
}

/// Returns the origin of this server as the client knows it: from `Host`, and from `X-Forwarded-Proto` behind a proxy.
fn origin(headers: &HeaderMap) -> String {
    let text = |name| exactly_one(headers.get_all(name))?.to_str().ok();
    // Other characters, such as a quote, would change the meaning of a `curl` line.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let host = text(&header::HOST).filter(|host| host.bytes().all(is_plain));
    let scheme = match text(&FORWARDED_PROTO) {
        Some("https") => "https",
        _ => "http",
    };
    host.map_or_else(|| ORIGIN.to_owned(), |host| format!("{scheme}://{host}"))
}

/// `POST /sandbox/reset`: discards the session's changes.
pub(in crate::api::sandbox) struct Reset(pub(in crate::api::sandbox) Sandbox);

impl Endpoint for Reset {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (headers, sandbox) = (request.headers(), &self.0);
        let Some(session) = session(headers, valid_token(headers, sandbox), sandbox)? else {
            let advice = format!(
                "No session to reset: send {SESSION_NAME}, a bearer token of the sandbox, or an API key"
            );
            return Err(ApiError::BadRequest(advice).into());
        };
        sandbox.reset(session);
        Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_of(sent: &[(HeaderName, &'static str)]) -> String {
        let headers = sent.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        origin(&map)
    }

    #[test]
    fn origin_is_the_default_unless_one_valid_host_was_sent() {
        let host = |value| (header::HOST, value);
        assert_eq!(origin_of(&[host("127.0.0.1:80")]), "http://127.0.0.1:80");
        assert_eq!(
            origin_of(&[host("x.example"), (FORWARDED_PROTO, "https")]),
            "https://x.example"
        );
        for sent in [
            &[][..],
            &[host("a\"<c>")],
            &[host("a b")],
            &[host("a'b")],
            &[host("a"), host("b")],
        ] {
            assert_eq!(origin_of(sent), ORIGIN, "{sent:?}");
        }
    }
}
