//! The bodies of forms: received within limits, and parsed.
//!
//! Called by every POST, after the session was found. A body over the limit is refused by its `Content-Length`, or when
//! the limit is reached.

use poem::{Body, FromRequest, Request, RequestBody, Result, http::StatusCode, web::Form};
use serde::de::DeserializeOwned;

use crate::api::{ApiError, read_limited};

/// The maximum size of a body, in bytes.
const MAX_BODY_SIZE: usize = 32 * 1024;

const TOO_LARGE: ApiError = ApiError::Other {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    example_name: "form-too-large",
    message: "The form is limited to 32 KiB.",
};

const INCOMPLETE: ApiError = ApiError::Other {
    status: StatusCode::BAD_REQUEST,
    example_name: "form-invalid",
    message: "The form is incomplete. Go back, reload the page, and try again.",
};

/// Receives and parses the form that `request` sends.
pub(super) async fn parse<T: DeserializeOwned>(mut request: Request) -> Result<T> {
    let mut body = RequestBody::new(request.take_body());
    let bytes = read_limited(&request, &mut body, MAX_BODY_SIZE).await?;
    let mut body = RequestBody::new(Body::from(bytes.ok_or(TOO_LARGE)?));
    let form = Form::<T>::from_request(&request, &mut body).await;
    let Form(form) = form.map_err(|_| INCOMPLETE)?;
    Ok(form)
}
