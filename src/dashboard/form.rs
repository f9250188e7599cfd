//! The bodies of forms: received within limits, and parsed.
//!
//! Called by every POST, after the session was found. A body over the limit is refused by its `Content-Length`, or when
//! the limit is reached.

use std::time::Duration;

use poem::{
    Body, FromRequest, Request, RequestBody, Result,
    http::{StatusCode, header},
    web::Form,
};
use serde::de::DeserializeOwned;
use tokio::{io::AsyncReadExt, time::timeout};

use crate::api::ApiError;

/// The maximum size of a body, in bytes.
const MAX_BODY_SIZE: usize = 32 * 1024;

/// The time in which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

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
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BODY_SIZE) {
        return Err(TOO_LARGE.into());
    }
    let reader = request.take_body().into_async_read();
    let mut bytes = Vec::new();
    let mut limited = reader.take(MAX_BODY_SIZE as u64 + 1);
    timeout(BODY_TIMEOUT, limited.read_to_end(&mut bytes))
        .await
        .map_err(|_| ApiError::BodyTimeout)?
        .map_err(|_| INCOMPLETE)?;
    if bytes.len() > MAX_BODY_SIZE {
        return Err(TOO_LARGE.into());
    }
    let mut body = RequestBody::new(Body::from(bytes));
    let form = Form::<T>::from_request(&request, &mut body).await;
    let Form(form) = form.map_err(|_| INCOMPLETE)?;
    Ok(form)
}
