//! The sandbox's own endpoints: `GET /sandbox`, the redirect from `GET /`, and `POST /sandbox/reset`.
//!
//! They are no operations of the API and require no bearer token.

use poem::{
    Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    web::Json,
};
use serde::Serialize;

use super::{Guide, html};
use crate::{
    api::{
        error::Failure,
        routes::GUIDE,
        sandbox::session::{SESSION_NAME, session, valid_token},
    },
    model::Clock,
    sandbox::Sandbox,
};

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
        let mut response = if wants_html(request.headers()) {
            html::response(guide, &clock)
        } else {
            Json(GuideOut { clock, guide }).into_response()
        };
        let vary = HeaderValue::from_static("Accept");
        response.headers_mut().insert(header::VARY, vary);
        Ok(response)
    }
}

/// Returns whether `Accept` names HTML, as browsers do and scripts do not.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|media_type| media_type.trim().eq_ignore_ascii_case("text/html"))
}

/// `GET /`: redirects to the guide.
pub(in crate::api::sandbox) async fn redirect_to_guide(_: Request) -> Response {
    let found = Response::builder().status(StatusCode::FOUND);
    found.header(header::LOCATION, GUIDE).finish()
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
            return Err(Failure::BadRequest(advice).into());
        };
        sandbox.reset(session);
        Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
    }
}
