//! Sandbox middleware around every API operation.
//!
//! If the request has a `Prefer` header, the middleware responds with the documented example, or delays the real
//! response. For a real response it replaces the `App` in the request's data with the session's private copy of the
//! database and calls the handler; a session without changes reads the shared read-only database. The request body is
//! read *before* the copy is opened, because only four copies are open at a time.

use std::sync::Arc;

use poem::{
    Endpoint, FromRequest, Request, Response, Result,
    endpoint::BoxEndpoint,
    error::ResponseError,
    http::{HeaderValue, StatusCode},
};
use tokio::time::sleep;

use super::{
    prefer::{ExampleResponses, ExpectedBody, PREFERENCE_APPLIED, Preference},
    session::{SESSION_FULL, session, valid_token},
};
use crate::{
    api::{
        error::ApiError,
        extract::{self, HasBody},
        middleware::from_poem,
    },
    sandbox::{Sandbox, SessionTx},
    token::TokenError,
};

/// An operation of the API in the sandbox.
pub(super) struct SandboxOperation {
    pub(super) sandbox: Sandbox,
    pub(super) responses: Arc<ExampleResponses>,
    /// Whether the operation requires a bearer token.
    pub(super) requires_bearer: bool,
    pub(super) body: ExpectedBody,
    /// Whether the operation may write. Validating a key does, because the use is counted.
    pub(super) writes: bool,
    pub(super) inner: BoxEndpoint<'static>,
}

impl Endpoint for SandboxOperation {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let Some(preference) = Preference::from_headers(request.headers()) else {
            return self.respond(request).await;
        };
        let delay = preference.delay()?;
        let mut response = if preference.selects_response() {
            self.preferred_response(&preference, &request).await?
        } else {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let response = self.respond(request).await;
            response
                .unwrap_or_else(|error| from_poem(&error, method.as_str(), &path, "").as_response())
        };
        if let Ok(applied) = HeaderValue::try_from(preference.to_string()) {
            response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        }
        sleep(delay).await;
        Ok(response)
    }
}

impl SandboxOperation {
    /// Responds as the service does, on the session's copy of the database.
    async fn respond(&self, request: Request) -> Result<Response> {
        let token = valid_token(request.headers(), &self.sandbox);
        if self.requires_bearer && token.is_none() {
            // The operation's extractor responds with the 401 and its reason.
            return self.inner.call(request).await;
        }
        let Some(session) = session(request.headers(), token, &self.sandbox)? else {
            return self.inner.call(request).await;
        };
        let request = self.read_body(request).await?;
        let tx = self.sandbox.begin(session, self.writes).await;
        match tx.map_err(ApiError::from)? {
            Some(tx) => self.call_in_copy(request, tx).await,
            None => self.inner.call(request).await,
        }
    }

    /// Returns the preferred response. A 401 has the challenge that this request's token gets, or that of an expired one.
    async fn preferred_response(
        &self,
        preference: &Preference,
        request: &Request,
    ) -> Result<Response> {
        let mut response = self.responses.preferred(preference)?;
        if self.requires_bearer && response.status() == StatusCode::UNAUTHORIZED {
            let error = extract::authenticate(request).await.err();
            let error = error.unwrap_or_else(|| TokenError::Expired.into());
            for (name, value) in error.headers() {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        Ok(response)
    }

    async fn call_in_copy(&self, mut request: Request, tx: SessionTx) -> Result<Response> {
        request.set_data(tx.app.clone());
        let response = self.inner.call(request).await;
        if self.writes {
            self.sandbox.commit(tx).await.map_err(ApiError::from)?;
        }
        response.map_err(|error| match error.downcast_ref() {
            // An in-memory database rejects a write only when it has reached its maximum size.
            Some(ApiError::Unavailable { .. }) if self.writes => SESSION_FULL.into(),
            _ => error,
        })
    }

    /// Reads as much of the body into memory as the operation looks at.
    async fn read_body(&self, request: Request) -> Result<Request> {
        if self.body == ExpectedBody::Ignored {
            return Ok(request);
        }
        let (mut request, mut body) = request.split();
        let bytes = match self.body {
            ExpectedBody::Json => extract::receive(&request, &mut body).await?,
            // The operation rejects any body: one byte stands for it.
            _ => match HasBody::from_request(&request, &mut body).await? {
                HasBody(true) => vec![0],
                HasBody(false) => Vec::new(),
            },
        };
        request.set_body(bytes);
        Ok(request)
    }
}
