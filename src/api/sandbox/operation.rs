//! Around every operation of the sandbox: the answer that is preferred, or else the real one, in the visitor's world.
//!
//! An operation finds its application in the request's data, as everywhere; which one it is, is decided here.

use poem::{Endpoint, Request, Response, Result, endpoint::BoxEndpoint};

use super::{answers::Answers, preference::Preference, visitor::visitor};
use crate::{api::error::Failure, sandbox::Sandbox};

/// An operation in the sandbox.
pub(super) struct Operation {
    pub(super) sandbox: Sandbox,
    pub(super) answers: std::sync::Arc<Answers>,
    /// Whether it may change something; the use of a key does, since it is counted.
    pub(super) writes: bool,
    pub(super) inner: BoxEndpoint<'static>,
}

impl Endpoint for Operation {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if let Some(wish) = Preference::of(request.headers()) {
            return Ok(self.answers.preferred(&wish)?);
        }
        let visit = match visitor(request.headers(), &self.sandbox)? {
            Some(visitor) => self.sandbox.visit(visitor, self.writes).await,
            None => Ok(None),
        };
        let Some(visit) = visit.map_err(Failure::from)? else {
            request.set_data(self.sandbox.app().clone());
            return self.inner.call(request).await;
        };
        request.set_data(visit.app.clone());
        let answer = self.inner.call(request).await;
        if self.writes {
            self.sandbox.leave(visit).await.map_err(Failure::from)?;
        }
        answer
    }
}
