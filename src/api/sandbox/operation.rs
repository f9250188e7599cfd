//! Around every operation of the sandbox: the answer that is preferred, or else the real one, in the visitor's world.
//!
//! An operation finds its application in the request's data, as everywhere. That of the world that all see, and that
//! nobody can change, is there already; a visitor's copy is put in its place here. Whatever takes time, a body, is waited
//! for before a visit begins.

use std::sync::Arc;

use poem::{Endpoint, Request, Response, Result, endpoint::BoxEndpoint};

use super::{
    answers::Answers,
    preference::Preference,
    visitor::{valid_token, visitor},
};
use crate::{
    api::{error::Failure, extract},
    sandbox::{Sandbox, Visit},
};

/// An operation in the sandbox.
pub(super) struct Operation {
    pub(super) sandbox: Sandbox,
    pub(super) answers: Arc<Answers>,
    /// Whether it asks for a token before anything else.
    pub(super) by_bearer: bool,
    pub(super) takes_body: bool,
    /// How many parameters its path has.
    pub(super) parameters: usize,
    /// Whether it may change something; the use of a key does, since it is counted.
    pub(super) writes: bool,
    pub(super) inner: BoxEndpoint<'static>,
}

impl Endpoint for Operation {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if let Some(wish) = Preference::of(request.headers()) {
            return Ok(self.answers.preferred(&wish)?);
        }
        let token = valid_token(request.headers(), &self.sandbox);
        if self.by_bearer && token.is_none() {
            // The door says why.
            return self.inner.call(request).await;
        }
        let Some(visitor) = visitor(request.headers(), token, &self.sandbox)? else {
            return self.inner.call(request).await;
        };
        let request = self.with_its_body(request).await?;
        let visit = self.sandbox.visit(visitor, self.writes).await;
        match visit.map_err(Failure::from)? {
            Some(visit) => self.in_a_copy(request, visit).await,
            None => self.inner.call(request).await,
        }
    }
}

impl Operation {
    async fn in_a_copy(&self, mut request: Request, visit: Visit) -> Result<Response> {
        request.set_data(visit.app.clone());
        let answer = self.inner.call(request).await;
        if self.writes {
            self.sandbox.leave(visit).await.map_err(Failure::from)?;
        }
        answer.map_err(|error| match error.downcast_ref() {
            // A database in memory that cannot be written to has no room left.
            Some(Failure::Unavailable { .. }) if self.writes => Failure::CopyFull.into(),
            _ => error,
        })
    }

    /// The same request, of which everything has arrived.
    async fn with_its_body(&self, request: Request) -> Result<Request> {
        // poem drops a parameter that is not UTF-8; the operation refuses that before it looks at a body.
        let path_is_text =
            (0..self.parameters).all(|n| request.raw_path_param(&format!("param{n}")).is_some());
        if !self.takes_body || !path_is_text {
            return Ok(request);
        }
        let (mut request, mut body) = request.split();
        let bytes = extract::receive(&request, &mut body).await?;
        request.set_body(bytes);
        Ok(request)
    }
}
