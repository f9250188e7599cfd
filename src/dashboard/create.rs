//! The page that creates a key. For owners and admins.
//!
//! A form is carried out once: its token is stored in the transaction that creates the key. A repetition redirects to the
//! key's page, and the secret is not shown again.

use std::mem;

use maud::{Markup, html};
use poem::{Response, Result, http::StatusCode};
use serde::Deserialize;

use super::{
    form,
    key_form::{FieldProblems, KeyForm},
    layout, once,
    response::see_other,
    secret,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{NewKey, Secret, Submission, UserMembership},
};

#[derive(Deserialize)]
struct CreateForm {
    form: String,
    #[serde(flatten)]
    key: KeyForm,
}

/// `GET /dashboard/{slug}/keys/new`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let slug: String = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let token = once::token_field(&visit.app)?;
    let form = KeyForm::default();
    let content = content(membership, &form, &FieldProblems::default(), &token);
    Ok(layout::organization_page(
        &visit, membership, "New key", &content,
    ))
}

/// `POST /dashboard/{slug}/keys/new`
pub(super) async fn submit(mut visit: Visit) -> Result<Response> {
    let slug: String = visit.path().await?;
    let form: CreateForm = form::parse(mem::take(&mut visit.request)).await?;
    let membership = visit.manager(&slug)?;
    let settings = match form.key.check(visit.now) {
        Ok(settings) => settings,
        Err(problems) => {
            let token = once::same_token_field(&form.form);
            let content = content(membership, &form.key, &problems, &token);
            let mut response = layout::organization_page(&visit, membership, "New key", &content);
            response.set_status(StatusCode::BAD_REQUEST);
            return Ok(response);
        }
    };
    let user = visit.session.user.clone();
    let random = &visit.app.random;
    let secret = Secret::generate(random.bytes().map_err(ApiError::from)?);
    let key = NewKey {
        secret: secret.clone(),
        settings,
        created_by: Some(user.clone()),
        created_at: visit.now,
    };
    let id = once::form_id(&user, &form.form);
    let organization = membership.organization_ref();
    let id_random = random.bytes().map_err(ApiError::from)?;
    let created = visit
        .app
        .store
        .create_key_once(id, organization, visit.actor(), key, id_random);
    Ok(match created.await.map_err(ApiError::from)? {
        Submission::First(key) => secret::page(&visit, membership, &key, &secret, "Key created"),
        Submission::Repeated(id) => see_other(&Visit::key_path(&slug, id)),
    })
}

fn content(
    membership: &UserMembership,
    form: &KeyForm,
    problems: &FieldProblems,
    token: &Markup,
) -> Markup {
    html! {
        div.title { h1 { "New key" } }
        section {
            (problem_summary(problems))
            form method="post" novalidate {
                (token)
                (form.fields(problems))
                div.buttons {
                    button.primary type="submit" { "Create key" }
                    a href=(Visit::keys_path(membership.organization.slug.as_str())) { "Cancel" }
                }
            }
        }
    }
}

/// Tells how many fields have a problem.
pub(super) fn problem_summary(problems: &FieldProblems) -> Markup {
    html! {
        @match problems.count() {
            0 => {},
            1 => p.problem role="alert" { "Nothing was saved: one field needs a correction." },
            count => p.problem role="alert" { "Nothing was saved: " (count) " fields need a correction." },
        }
    }
}
