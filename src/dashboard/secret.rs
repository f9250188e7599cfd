//! The page with a new secret, once: the response to a form that created or rotated a key.

use maud::html;
use poem::Response;

use super::{layout, session::Visit};
use crate::model::{ApiKey, Secret, UserMembership};

/// The page with the new secret of a key.
pub(super) fn page(
    visit: &Visit,
    membership: &UserMembership,
    key: &ApiKey,
    secret: &Secret,
    title: &str,
) -> Response {
    let secret = secret.reveal();
    let validate = format!("{}/api-keys/validate", visit.api_url);
    let slug = membership.organization.slug.as_str();
    let content = html! {
        div.title { h1 { (title) } }
        section {
            p {
                "This is the secret of " strong { (key.name) } ". Copy it now: it is stored only as a hash, and is never shown again."
            }
            div.copy data-copy="the secret" { pre.secret { code { (secret) } } }
            h2 { "Try it" }
            p { "This validates the key once, as a service would, and counts the use:" }
            div.copy data-copy="the command" { pre.secret { code { "curl -X POST '" (validate) "' \\\n  -H 'X-API-Key: " (secret) "'" } } }
            div.buttons { a.button href=(Visit::key_path(slug, key.id)) { "I have copied it" } }
        }
    };
    layout::organization_page(visit, membership, title, &content)
}
