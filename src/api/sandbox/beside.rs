//! What the sandbox answers beside the API: its description, and a way back to the world as it was.
//!
//! `GET /sandbox`, with `GET /` leading there, and `POST /sandbox/reset`.

use poem::{
    Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    web::Json,
};
use serde::Serialize;

use super::{
    guide::Guide,
    page,
    visitor::{SESSION_NAME, valid_token, visitor},
};
use crate::{
    api::{error::Failure, routes::GUIDE},
    model::Clock,
    sandbox::Sandbox,
};

/// The description, for people and for scripts.
pub(super) struct GuidePage {
    pub(super) guide: Guide,
    pub(super) clock: Clock,
}

/// The description, and what the clock says.
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
            page::response(guide, &clock)
        } else {
            Json(GuideOut { clock, guide }).into_response()
        };
        let vary = HeaderValue::from_static("Accept");
        response.headers_mut().insert(header::VARY, vary);
        Ok(response)
    }
}

/// Whether a browser asks: no script names HTML.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|media_type| media_type.trim().eq_ignore_ascii_case("text/html"))
}

/// `GET /`: whoever opens the address in a browser finds the guide.
pub(super) async fn to_the_guide(_: Request) -> Response {
    let found = Response::builder().status(StatusCode::FOUND);
    found.header(header::LOCATION, GUIDE).finish()
}

/// `POST /sandbox/reset`: the visitor's changes are gone, if there were any.
pub(super) struct Reset(pub(super) Sandbox);

impl Endpoint for Reset {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (headers, sandbox) = (request.headers(), &self.0);
        let Some(visitor) = visitor(headers, valid_token(headers, sandbox), sandbox)? else {
            let who = format!(
                "Say whose changes: send {SESSION_NAME}, a bearer token of the sandbox, or a key"
            );
            return Err(Failure::BadRequest(who).into());
        };
        sandbox.reset(visitor);
        Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
    }
}
