//! What the sandbox answers beside the API: its description, and a way back to the world as it was.
//!
//! `GET /sandbox`, with `GET /` leading there, and `POST /sandbox/reset`.

use poem::{
    Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderValue, StatusCode, header},
    web::Json,
};
use serde::Serialize;

use super::{
    guide::Guide,
    page,
    visitor::{SESSION_NAME, visitor},
};
use crate::{api::error::Failure, model::Clock, sandbox::Sandbox};

pub(super) const GUIDE: &str = "/sandbox";
pub(super) const RESET: &str = "/sandbox/reset";

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
        let accepted = request.header(header::ACCEPT).unwrap_or_default();
        let mut response = if accepted.contains("text/html") {
            page::response(guide, &clock)
        } else {
            Json(GuideOut { clock, guide }).into_response()
        };
        let vary = HeaderValue::from_static("Accept");
        response.headers_mut().insert(header::VARY, vary);
        Ok(response)
    }
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
        let Some(visitor) = visitor(request.headers(), &self.0)? else {
            let who =
                format!("Say whose changes: send {SESSION_NAME}, or a bearer token of the sandbox");
            return Err(Failure::BadRequest(who).into());
        };
        self.0.reset(visitor);
        Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
    }
}
