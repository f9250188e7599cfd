//! Request bodies: received within limits, then parsed and checked.
//!
//! An operation with a body takes a [`Body`] after its `Caller`, so that the body of a request without a valid token is
//! not received. The handler parses it with [`Body::parse`] and checks each [`Field`] of the result.

mod field;
pub(crate) mod strict_json;

use std::{io, marker::PhantomData, time::Duration};

use poem::{FromRequest, Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use serde::de::DeserializeOwned;
use tokio::{io::AsyncReadExt, time::timeout};

pub(crate) use self::field::{
    Field, FieldValue, OptionalField, PatchField, RemovableField, UnknownFields, WholeNumber,
};
use crate::api::{documented_error::DocumentedError, error::ApiError, problems::Problems};

/// The maximum size of a body, in bytes.
const MAX_BODY_SIZE: usize = 16 * 1024;

/// The time in which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON object, received and not parsed yet. `T` is a struct of [`Field`]s.
pub(crate) struct Body<T> {
    bytes: Vec<u8>,
    parsed_as: PhantomData<T>,
}

impl<T: DeserializeOwned> Body<T> {
    /// Parses the body. Records a problem for each duplicate field, and returns `None` if it is not a JSON object.
    pub(crate) fn parse(&self, problems: &mut Problems) -> Option<T> {
        parse(&self.bytes, problems)
    }
}

/// Parses a body as [`Body::parse`] does.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8], problems: &mut Problems) -> Option<T> {
    let invalid = |error| format!("The body is not valid JSON: {error}");
    let parsed = strict_json::parse(body).map_err(invalid);
    let (json, duplicates) = problems.check(parsed)?;
    for path in duplicates {
        problems.add(format!("duplicate field: {path}"));
    }
    if !json.is_object() {
        problems.add("The body must be a JSON object".to_owned());
        return None;
    }
    problems.check(serde_json::from_value(json).map_err(invalid))
}

/// The errors that a request body can cause, besides a 400.
pub(crate) fn body_errors() -> [DocumentedError; 4] {
    [
        ApiError::BodyTimeout.into(),
        ApiError::BodyTooLarge.into(),
        ApiError::NotJson.into(),
        ApiError::Encoded.into(),
    ]
}

impl<'a, T: Type> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: T::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(Self {
            bytes: receive(request, body).await?,
            parsed_as: PhantomData,
        })
    }
}

/// Extracts whether a request has a body, for an operation that must reject one.
pub(crate) struct HasBody(pub(crate) bool);

impl<'a> FromRequest<'a> for HasBody {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let body = <poem::Body as FromRequest>::from_request(request, body).await?;
        if body.is_empty() {
            return Ok(Self(false));
        }
        if request.headers().contains_key(header::CONTENT_LENGTH) {
            return Ok(Self(true));
        }
        // Chunked: the first byte or the end tells.
        let mut first = [0];
        let read = received(body.into_async_read().read(&mut first)).await?;
        Ok(Self(read > 0))
    }
}

/// Receives a body whose `Content-Type` is JSON, within the limits.
///
/// # Errors
/// One of [`body_errors`], or a 400 if the body does not arrive whole.
pub(crate) async fn receive(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>> {
    if !is_json(request) {
        return Err(ApiError::NotJson.into());
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::Encoded.into());
    }
    let bytes = read_limited(request, body, MAX_BODY_SIZE).await?;
    Ok(bytes.ok_or(ApiError::BodyTooLarge)?)
}

/// Returns whether `Content-Type` is `application/json`. Parameters are ignored.
fn is_json(request: &Request) -> bool {
    let media_type = request.content_type().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Reads the whole body. `None` if it has more than `max` bytes; the server discards the rest while it lingers.
///
/// # Errors
/// If the body does not arrive whole, or in time.
pub(crate) async fn read_limited(
    request: &Request,
    body: &mut RequestBody,
    max: usize,
) -> Result<Option<Vec<u8>>> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > max) {
        return Ok(None);
    }
    let body = <poem::Body as FromRequest>::from_request(request, body).await?;
    let mut reader = body.into_async_read().take(max as u64 + 1);
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    received(reader.read_to_end(&mut bytes)).await?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// Waits for a part of the body.
async fn received(read: impl Future<Output = io::Result<usize>>) -> Result<usize, ApiError> {
    timeout(BODY_TIMEOUT, read)
        .await
        .map_err(|_| ApiError::BodyTimeout)?
        .map_err(|error| ApiError::BadRequest(format!("The body did not arrive whole: {error}")))
}
