//! Forms that create or rotate a key: a random token in the form makes a repetition recognisable.
//!
//! The response to such a form has the new secret. A reload sends the form again; it is then not carried out, and the
//! browser is sent to the key's page.

use maud::{Markup, html};
use poem::Result;

use crate::{
    api::ApiError,
    app::App,
    model::{FormId, RandomToken, TokenHash, UserId},
};

/// A hidden field with a new token.
pub(super) fn token_field(app: &App) -> Result<Markup> {
    let token = RandomToken::generate(app.random.bytes().map_err(ApiError::from)?);
    Ok(same_token_field(token.reveal()))
}

/// A hidden field with the token of a form that is shown again, because it was not carried out.
pub(super) fn same_token_field(token: &str) -> Markup {
    html! { input type="hidden" name="form" value=(token); }
}

/// Returns the identity of a form that `user` sends with `token`. Another user's form is another one.
pub(super) fn form_id(user: &UserId, token: &str) -> FormId {
    FormId(TokenHash::of(&format!("{user} {token}")))
}
