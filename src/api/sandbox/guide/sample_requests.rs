//! Sample requests for each user, with the status that each returns, for [`super::Guide`].
//!
//! Derived from the memberships in the fixtures. A test sends every one of them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::base_path::BasePath,
    fixtures::{Fixtures, OrganizationFixture},
    model::{Role, UserId},
};

/// A key id that no organization has.
const NO_KEY: &str = "00000000-0000-4000-8000-000000000000";

/// A request and the status of its response.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SampleRequestOut {
    pub(super) status: u16,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// The request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

/// Returns sample requests in the first organization that the user belongs to, and in the first other one.
pub(super) fn sample_requests(
    demo: &Fixtures,
    user: &UserId,
    base: &BasePath,
) -> Vec<SampleRequestOut> {
    let organizations = demo.organizations();
    let own = organizations
        .iter()
        .find_map(|organization| Some((organization, organization.role_of(user)?)));
    let mut requests =
        own.map_or_else(Vec::new, |(own, role)| in_own_organization(own, role, base));
    let other = organizations
        .iter()
        .find(|organization| organization.role_of(user).is_none());
    requests.extend(other.map(|other| get(base, 403, other, "/stats")));
    requests
}

fn in_own_organization(
    own: &OrganizationFixture,
    role: Role,
    base: &BasePath,
) -> Vec<SampleRequestOut> {
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
        get(base, listed, own, "/audit"),
        SampleRequestOut {
            method: "POST",
            body: Some(json!({ "name": "Mine" })),
            ..get(base, created, own, "")
        },
    ];
    key.chain(others).collect()
}

/// Returns a GET request below an organization's `api-keys`.
pub(super) fn get(
    base: &BasePath,
    status: u16,
    organization: &OrganizationFixture,
    rest: &str,
) -> SampleRequestOut {
    let path = format!("/organizations/{}/api-keys{rest}", organization.slug);
    SampleRequestOut {
        status,
        method: "GET",
        path: base.join(&path),
        body: None,
    }
}
