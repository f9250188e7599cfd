//! The page that edits the settings of a key. For owners and admins.
//!
//! The form has all settings. Only those that differ from the key's are changed, so that two people can change different
//! settings, and the milliseconds of an expiry, which the form does not show, stay.

use std::mem;

use maud::{Markup, html};
use poem::{Response, Result, http::StatusCode};

use super::{
    create::problem_summary,
    form,
    key_form::{FieldProblems, KeyForm},
    layout,
    response::see_other,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{ApiKey, Edit, KeySettings, KeyUpdate},
};

/// `GET /dashboard/{slug}/keys/{id}/edit`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let key = visit.key(membership, &id).await?;
    let path = Visit::key_path(&slug, key.id);
    let content = content(&key, &path, &KeyForm::of(&key), &FieldProblems::default());
    Ok(layout::organization_page(
        &visit, membership, "Edit", &content,
    ))
}

/// `POST /dashboard/{slug}/keys/{id}/edit`
pub(super) async fn submit(mut visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let form: KeyForm = form::parse(mem::take(&mut visit.request)).await?;
    let membership = visit.manager(&slug)?;
    let key = visit.key(membership, &id).await?;
    let path = Visit::key_path(&slug, key.id);
    let shown = KeyForm::of(&key);
    // An expiry in the past that is not changed is not a problem.
    let mut checked = form.clone();
    if form.expires == shown.expires {
        checked.expires.clear();
    }
    let settings = match checked.check(visit.now) {
        Ok(settings) => settings,
        Err(problems) => {
            let content = content(&key, &path, &form, &problems);
            let mut response = layout::organization_page(&visit, membership, "Edit", &content);
            response.set_status(StatusCode::BAD_REQUEST);
            return Ok(response);
        }
    };
    let update = update(&shown, &form, settings);
    let organization = membership.organization_ref();
    let by = visit.actor();
    let updated = visit
        .app
        .store
        .update_key(organization, by, key.id, update, visit.now);
    updated.await.map_err(ApiError::from)?;
    Ok(see_other(&path))
}

/// Returns the change from what was shown to what was sent, whose values are `settings`.
fn update(shown: &KeyForm, sent: &KeyForm, settings: KeySettings) -> KeyUpdate {
    let same_rate = shown.rate_limit == sent.rate_limit && shown.rate_window == sent.rate_window;
    let same_quota = shown.quota == sent.quota
        && (shown.quota_period == sent.quota_period || sent.quota.is_empty());
    let metadata = Some(settings.metadata).filter(|metadata| !metadata.as_object().is_empty());
    KeyUpdate {
        name: (shown.name != sent.name).then_some(settings.name),
        description: edit(shown.description == sent.description, settings.description),
        external_id: edit(shown.external_id == sent.external_id, settings.external_id),
        // Browsers send line breaks as CR LF.
        metadata: edit(shown.metadata == sent.metadata.replace('\r', ""), metadata),
        scopes: (shown.scopes != sent.scopes).then_some(settings.scopes),
        rate_limit: edit(same_rate, settings.rate_limit),
        quota: edit(same_quota, settings.quota),
        expires_at: edit(shown.expires == sent.expires, settings.expires_at),
        enabled: None,
    }
}

fn edit<T>(is_same: bool, value: Option<T>) -> Edit<T> {
    match value {
        _ if is_same => Edit::Keep,
        Some(value) => Edit::Set(value),
        None => Edit::Remove,
    }
}

fn content(key: &ApiKey, path: &str, form: &KeyForm, problems: &FieldProblems) -> Markup {
    html! {
        div.title { h1 { "Edit " (key.name) } }
        section {
            p { "Changes apply from the next request. The secret stays the same." }
            (problem_summary(problems))
            form method="post" novalidate {
                (form.fields(problems))
                div.buttons {
                    button.primary type="submit" { "Save" }
                    a href=(path) { "Cancel" }
                }
            }
        }
    }
}
