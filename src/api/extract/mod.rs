//! Extractors: what handlers take from a request.
//!
//! Each parses one part of a request. An extractor of credentials or of a body fails with a documented error; a parameter
//! never fails, and the handler checks it, so that one 400 can name every problem.

mod api_key;
mod bearer;
mod cursor;
mod exactly_one;
mod filter_param;
mod json_body;
mod path_param;
mod scopes;

pub(super) use self::{
    api_key::{API_KEY, PresentedKey},
    bearer::{Caller, InvalidToken, authenticate, bearer_token, challenge},
    cursor::CursorParam,
    filter_param::{ChoiceParam, TextParam},
    json_body::{
        Body, Field, FieldValue, HasBody, OptionalField, PatchField, RemovableField, UnknownFields,
        WholeNumber, body_errors, parse, receive, strict_json,
    },
    path_param::{MALFORMED_PATH, PathParam},
    scopes::{BODY_PROBLEM, ScopeParam, required_scopes},
};
pub(crate) use self::{
    bearer::LoggedUser,
    cursor::{decode, encode},
    exactly_one::exactly_one,
    json_body::read_limited,
};
