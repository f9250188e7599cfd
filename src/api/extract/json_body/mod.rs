//! Request bodies, received within their limits.
//!
//! An operation with a body takes a [`Body`] after its `Caller`, so that the body of a request without a valid token is
//! not received. The annotated struct `T` documents the fields; the handler reads and checks them with [`Body::read`].

mod fields;
mod unique;

use std::{io, marker::PhantomData, time::Duration};

use poem::{FromRequest, Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use tokio::{io::AsyncReadExt, time::timeout};

pub(crate) use self::fields::Fields;
use crate::api::{documented_error::DocumentedError, error::Failure, problems::Problems};

/// The largest body, in bytes.
const LARGEST: usize = 16 * 1024;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON object, documented as `T`. Received, and not parsed yet.
pub(crate) struct Body<T> {
    bytes: Vec<u8>,
    documented_as: PhantomData<T>,
}

impl<T> Body<T> {
    /// Parses the body and reads its fields with `read`.
    pub(crate) fn read<V>(
        &self,
        problems: &mut Problems,
        read: impl FnOnce(&mut Fields<'_>) -> Option<V>,
    ) -> Option<V> {
        Fields::read(&self.bytes, problems, read)
    }
}

/// The errors of an operation with a body that the body causes.
pub(crate) fn body_refusals() -> [DocumentedError; 4] {
    [
        Failure::BodyTimeout.into(),
        Failure::BodyTooLarge.into(),
        Failure::NotJson.into(),
        Failure::Encoded.into(),
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
            documented_as: PhantomData,
        })
    }
}

/// Whether a request has a body. For an operation without one that must not ignore it.
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

/// The bytes of a body that is announced as JSON and is within the limits.
///
/// # Errors
/// One of [`body_refusals`], or a 400 when it does not arrive whole.
pub(crate) async fn receive(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>> {
    if !is_json(request) {
        return Err(Failure::NotJson.into());
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::Encoded.into());
    }
    read(request, body).await
}

/// Whether `Content-Type` is `application/json`, with whatever parameters.
fn is_json(request: &Request) -> bool {
    let media_type = request.content_type().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Reads the whole body. The rest of one that is too large is left to the server, which lingers.
async fn read(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > LARGEST) {
        return Err(Failure::BodyTooLarge.into());
    }
    let body = <poem::Body as FromRequest>::from_request(request, body).await?;
    let mut reader = body.into_async_read().take(LARGEST as u64 + 1);
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    received(reader.read_to_end(&mut bytes)).await?;
    if bytes.len() > LARGEST {
        return Err(Failure::BodyTooLarge.into());
    }
    Ok(bytes)
}

/// Waits for a part of the body.
async fn received(read: impl Future<Output = io::Result<usize>>) -> Result<usize, Failure> {
    timeout(PATIENCE, read)
        .await
        .map_err(|_| Failure::BodyTimeout)?
        .map_err(|error| Failure::BadRequest(format!("The body did not arrive whole: {error}")))
}
