//! Which statuses a user can get, and how: a few requests for each, for [`super::guide`].
//!
//! Derived from who belongs to what; a test sends every one of them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::routes::BasePath,
    fixtures::{Demo, DemoOrganization},
    model::{Role, UserId},
};

/// A key that no organization has.
const NO_KEY: &str = "00000000-0000-4000-8000-000000000000";

/// A request, and what it gets.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReachOut {
    pub(super) status: u16,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// What to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

/// What a user gets, and where: in the first organization that the user belongs to, and in the first of the others.
pub(super) fn reaches(demo: &Demo, user: &UserId, base: &BasePath) -> Vec<ReachOut> {
    let organizations = demo.organizations();
    let own = organizations
        .iter()
        .find_map(|organization| Some((organization, organization.role_of(user)?)));
    let mut reaches = own.map_or_else(Vec::new, |(own, role)| in_own(own, role, base));
    let other = organizations
        .iter()
        .find(|organization| organization.role_of(user).is_none());
    reaches.extend(other.map(|other| get(base, 403, other, "/stats")));
    reaches
}

fn in_own(own: &DemoOrganization, role: Role, base: &BasePath) -> Vec<ReachOut> {
    let key = own.keys().next().map(|(id, ..)| format!("/{}", id.0));
    let (listed, created) = match role {
        Role::Member => (403, 403),
        Role::Owner | Role::Admin => (200, 201),
    };
    let key = key.iter().map(|key| get(base, 200, own, key));
    let others = [
        get(base, 200, own, "/stats"),
        get(base, 404, own, &format!("/{NO_KEY}")),
        get(base, listed, own, ""),
        ReachOut {
            method: "POST",
            body: Some(json!({ "name": "Mine" })),
            ..get(base, created, own, "")
        },
    ];
    key.chain(others).collect()
}

/// A GET of something of an organization's keys.
pub(super) fn get(
    base: &BasePath,
    status: u16,
    organization: &DemoOrganization,
    rest: &str,
) -> ReachOut {
    let path = format!("/organizations/{}/api-keys{rest}", organization.slug);
    ReachOut {
        status,
        method: "GET",
        path: base.join(&path),
        body: None,
    }
}
