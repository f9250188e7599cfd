//! The page that asks before a key is revoked, and the changes of a key's state. For owners and admins.
//!
//! A revocation cannot be undone, so a page asks first. Disabling and enabling can be undone, so those happen at once.

use maud::{Markup, html};
use poem::{Response, Result};

use super::{format::relative, layout, response::see_other, session::Visit};
use crate::{
    api::ApiError,
    model::{ApiKey, KeyId, KeyStatus, KeyUpdate, Timestamp},
};

/// `GET /dashboard/{slug}/keys/{id}/revoke`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let key = visit.key(membership, &id).await?;
    let path = Visit::key_path(&slug, key.id);
    let content = content(&key, &path, visit.now);
    Ok(layout::organization_page(
        &visit, membership, "Revoke", &content,
    ))
}

/// `POST /dashboard/{slug}/keys/{id}/revoke`
pub(super) async fn submit(visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let organization = membership.organization_ref();
    let by = visit.actor();
    let key = KeyId::parse_or_nil(&id);
    let revoked = visit.app.store.revoke_key(organization, by, key, visit.now);
    revoked.await.map_err(ApiError::from)?;
    Ok(see_other(&Visit::key_path(&slug, key)))
}

/// `POST /dashboard/{slug}/keys/{id}/disable`
pub(super) async fn disable(visit: Visit) -> Result<Response> {
    set_enabled(visit, false).await
}

/// `POST /dashboard/{slug}/keys/{id}/enable`
pub(super) async fn enable(visit: Visit) -> Result<Response> {
    set_enabled(visit, true).await
}

async fn set_enabled(visit: Visit, enabled: bool) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let organization = membership.organization_ref();
    let by = visit.actor();
    let update = KeyUpdate {
        enabled: Some(enabled),
        ..KeyUpdate::default()
    };
    let key = KeyId::parse_or_nil(&id);
    let updated = visit
        .app
        .store
        .update_key(organization, by, key, update, visit.now);
    updated.await.map_err(ApiError::from)?;
    Ok(see_other(&Visit::key_path(&slug, key)))
}

fn content(key: &ApiKey, path: &str, now: Timestamp) -> Markup {
    let is_revoked = key.status(now) == KeyStatus::Revoked;
    html! {
        div.title { h1 { "Revoke " (key.name) "?" } }
        section {
            @if is_revoked {
                p { "This key is revoked already." }
                div.buttons { a href=(path) { "Back to the key" } }
            } @else {
                p { strong { "This cannot be undone." } " From now on, every request with this key is refused." }
                p { (still_in_use(key, now)) }
                p { "The key and its statistics stay visible. To stop it for a while instead, go back and disable it." }
                form method="post" {
                    div.buttons {
                        button.danger type="submit" { "Revoke for good" }
                        a href=(path) { "Cancel" }
                    }
                }
            }
        }
    }
}

/// Tells whether something may still depend on the key.
fn still_in_use(key: &ApiKey, now: Timestamp) -> String {
    match key.last_used_at {
        None => "The key was never used.".to_owned(),
        Some(at) => format!(
            "The key was last used {}. Every client that uses it will stop working.",
            relative(at, now)
        ),
    }
}
