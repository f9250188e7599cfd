//! The sandbox's description of itself: users, organizations, operations, their documented responses, and limits.
//!
//! Built once, at start. [`endpoints`] serves it as JSON or as the page in [`html`]. Its paths have no origin, so that
//! its bytes do not depend on the machine. The limits come from the constants that enforce them.

mod endpoints;
mod html;
mod sample_requests;

use serde::Serialize;

pub(super) use self::endpoints::{GuidePage, Reset};
use self::sample_requests::{SampleRequestOut, get, sample_requests};
use super::{prefer::DocumentedOperation, session::SESSION_NAME};
use crate::{
    api::{
        base_path::BasePath,
        endpoint::{DOCS, DOCUMENT},
    },
    fixtures::{Membership, OrganizationFixture},
    sandbox::{Limits, MAX_GROWTH, Sandbox},
    token::HmacSecret,
};

/// The path of the guide, for GET.
pub(super) const GUIDE: &str = "/sandbox";
/// The path that resets a session, for POST.
pub(super) const RESET: &str = "/sandbox/reset";

/// The number of keys that are listed of an organization, which may have a thousand.
const LISTED_KEYS: usize = 12;

/// The description.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Guide {
    users: Vec<UserOut>,
    expired: ExpiredOut,
    signing: SigningOut,
    organizations: Vec<OrganizationOut>,
    operations: Vec<OperationOut>,
    visitors: VisitorsOut,
    document: String,
    reference: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserOut {
    id: String,
    name: String,
    memberships: Vec<MembershipOut>,
    token: String,
    /// Sample requests, and the status of each.
    reaches: Vec<SampleRequestOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct MembershipOut {
    /// The organization's slug.
    organization: String,
    role: &'static str,
}

/// The algorithm and secret that sign further tokens.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SigningOut {
    algorithm: &'static str,
    secret: &'static str,
}

/// A token that has expired.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpiredOut {
    token: String,
    reaches: Vec<SampleRequestOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationOut {
    id: String,
    slug: String,
    name: String,
    scenario: String,
    about: String,
    total_keys: usize,
    keys: Vec<KeyOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyOut {
    id: String,
    name: String,
    secret: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationOut {
    method: String,
    path: String,
    answers: Vec<AnswerOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerOut {
    code: u16,
    examples: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct VisitorsOut {
    header: &'static str,
    reset: String,
    /// The maximum number of sessions whose changes are kept.
    most: usize,
    /// The maximum size of all changes.
    most_bytes: usize,
    /// The maximum size of one session's changes.
    most_bytes_each: usize,
    idle_seconds: u64,
}

impl Guide {
    /// The description of a sandbox whose API is under `base`.
    pub(super) fn new(
        sandbox: &Sandbox,
        base: &BasePath,
        operations: &[DocumentedOperation],
    ) -> Self {
        let demo = sandbox.demo();
        let users = sandbox.users().iter().map(|known| UserOut {
            id: known.user.id.as_str().to_owned(),
            name: known.user.name.clone(),
            memberships: known.user.memberships.iter().map(Into::into).collect(),
            token: known.token.clone(),
            reaches: sample_requests(demo, &known.user.id, base),
        });
        let operations = operations.iter().map(|operation| OperationOut {
            method: operation.method.clone(),
            path: base.join(&operation.path),
            answers: operation.responses.names().map(AnswerOut::from).collect(),
        });
        let Limits {
            sessions,
            bytes,
            idle_timeout,
        } = sandbox.limits();
        Self {
            users: users.collect(),
            expired: ExpiredOut {
                token: sandbox.expired_token().to_owned(),
                reaches: demo
                    .organizations()
                    .first()
                    .into_iter()
                    .map(|any| get(base, 401, any, "/stats"))
                    .collect(),
            },
            signing: SigningOut {
                algorithm: "HS256",
                secret: HmacSecret::SANDBOX,
            },
            organizations: demo.organizations().iter().map(Into::into).collect(),
            operations: operations.collect(),
            visitors: VisitorsOut {
                header: SESSION_NAME,
                reset: format!("POST {RESET}"),
                most: sessions,
                most_bytes: bytes,
                most_bytes_each: MAX_GROWTH,
                idle_seconds: idle_timeout.as_secs(),
            },
            document: base.join(DOCUMENT),
            reference: DOCS.to_owned(),
        }
    }
}

impl From<&Membership> for MembershipOut {
    fn from(membership: &Membership) -> Self {
        Self {
            organization: membership.slug.to_string(),
            role: membership.role.as_str(),
        }
    }
}

impl From<&OrganizationFixture> for OrganizationOut {
    fn from(demo: &OrganizationFixture) -> Self {
        let keys = demo
            .keys()
            .take(LISTED_KEYS)
            .map(|(id, name, secret)| KeyOut {
                id: id.0.to_string(),
                name: name.into(),
                secret: secret.reveal().to_owned(),
            });
        Self {
            id: demo.id.to_string(),
            slug: demo.slug.to_string(),
            name: demo.name.clone().into(),
            scenario: demo.scenario.title.clone(),
            about: demo.scenario.about.clone(),
            total_keys: demo.total_keys(),
            keys: keys.collect(),
        }
    }
}

impl From<(u16, Vec<&str>)> for AnswerOut {
    fn from((code, names): (u16, Vec<&str>)) -> Self {
        let examples = names.into_iter().map(str::to_owned).collect();
        Self { code, examples }
    }
}
