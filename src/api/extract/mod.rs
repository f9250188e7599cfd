//! Extractors: what handlers take from a request.
//!
//! Each reads one part of the request, checks it, and fails with the documented error.

mod api_key;
mod bearer;
mod cursor;
mod headers;
mod json_body;
mod scopes;

pub(super) use self::{
    api_key::{API_KEY, PresentedKey},
    bearer::{Caller, CallerSlot, InvalidToken, authenticate, bearer_token, challenge},
    cursor::{CursorParam, encode},
    headers::only,
    json_body::{Body, Fields, HasBody, body_refusals, receive},
    scopes::{BODY_PROBLEM, ScopeParam, required_scopes},
};
