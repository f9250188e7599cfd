//! The only door: from the `Authorization` header to a [`Caller`], and from there to a member.
//!
//! Every operation takes a [`Caller`] as its first parameter, so poem asks for it before it looks at anything
//! else: without a valid token the answer is 401, whatever else is wrong. Membership and role are decided by
//! the store, in the statement or the transaction that reads or changes.

use std::sync::{Arc, OnceLock};

use poem::{Request, http::header::AUTHORIZATION};
use poem_openapi::{SecurityScheme, auth::Bearer};

use crate::api::error::Failure;
use crate::{
    app::App,
    model::{Access, UserId},
    store,
};

/// The user that a valid bearer token speaks for.
#[derive(SecurityScheme)]
#[oai(
    rename = "bearer",
    ty = "bearer",
    bearer_format = "JWT",
    checker = "authenticate"
)]
pub(crate) struct Caller(pub(crate) UserId);

/// Where the door leaves the caller's name for the log line. In the request's data: a checker sees no more.
#[derive(Clone, Default)]
pub(crate) struct CallerSlot(Arc<OnceLock<UserId>>);

impl CallerSlot {
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.0.get()
    }
}

#[expect(clippy::unused_async, reason = "poem awaits it")]
async fn authenticate(request: &Request, bearer: Bearer) -> poem::Result<UserId> {
    let app: &App = request.data().ok_or_else(|| Failure::Internal {
        cause: "no application in the request's data".to_owned(),
    })?;
    let refused = |reason: String| Failure::Unauthenticated {
        token: Some(reason),
    };
    // poem reads the first of several; a proxy in front may have read another.
    if request.headers().get_all(AUTHORIZATION).iter().count() > 1 {
        return Err(refused("several Authorization headers".to_owned()).into());
    }
    let user = app
        .verifier
        .verify(&bearer.token, app.clock.now())
        .map_err(|error| refused(error.to_string()))?;
    if let Some(CallerSlot(slot)) = request.data() {
        // Set once: a request passes the door once.
        let _ = slot.set(user.clone());
    }
    Ok(user)
}

/// What the store found for a caller who may have it; the caller's 403, or the store's own failure, otherwise.
pub(crate) fn allowed<T>(found: Result<Access<T>, store::Error>) -> Result<T, Failure> {
    match found? {
        Access::Granted(found) => Ok(found),
        Access::RoleTooLow => Err(Failure::RoleTooLow),
        Access::Denied => Err(Failure::NotAMember),
    }
}
