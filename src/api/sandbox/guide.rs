//! What the sandbox says of itself: who can ask, what there is to ask for, and which answers can be had.
//!
//! Made once, at start; sent by [`super::beside`], as JSON or as the page in [`super::page`]. Paths in it have no
//! origin: the same bytes wherever the sandbox runs.

use serde::Serialize;

use super::{
    described::Described,
    reach::{ReachOut, get, reaches},
    visitor::SESSION_NAME,
};
use crate::{
    api::routes::{self, BasePath},
    fixtures::{DemoOrganization, Membership},
    sandbox::{Limits, Sandbox},
    token::HmacSecret,
};

/// Keys that are listed of an organization; there may be a thousand.
const LISTED_KEYS: usize = 9;

/// The description.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Guide {
    pub(super) users: Vec<UserOut>,
    pub(super) expired: ExpiredOut,
    pub(super) signing: SigningOut,
    pub(super) organizations: Vec<OrganizationOut>,
    pub(super) operations: Vec<OperationOut>,
    pub(super) visitors: VisitorsOut,
    pub(super) document: String,
    pub(super) reference: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserOut {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) memberships: Vec<MembershipOut>,
    pub(super) token: String,
    /// What the user can get, and how.
    pub(super) reaches: Vec<ReachOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MembershipOut {
    /// The organization's slug.
    pub(super) organization: String,
    pub(super) role: &'static str,
}

/// How the tokens are signed, for whoever needs another one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SigningOut {
    pub(super) algorithm: &'static str,
    pub(super) secret: &'static str,
}

/// A token that is good for one thing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExpiredOut {
    pub(super) token: String,
    pub(super) reaches: Vec<ReachOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrganizationOut {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) scenario: String,
    pub(super) about: String,
    pub(super) total_keys: usize,
    pub(super) keys: Vec<KeyOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyOut {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) secret: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationOut {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) answers: Vec<AnswerOut>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerOut {
    pub(super) code: u16,
    pub(super) examples: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VisitorsOut {
    pub(super) header: &'static str,
    pub(super) reset: String,
    pub(super) most: usize,
    pub(super) idle_seconds: u64,
}

impl Guide {
    /// The description of a sandbox whose API is under `base`.
    pub(super) fn new(sandbox: &Sandbox, base: &BasePath, operations: &[Described]) -> Self {
        let demo = sandbox.demo();
        let users = sandbox.users().iter().map(|known| UserOut {
            id: known.user.id.as_str().to_owned(),
            name: known.user.name.clone(),
            memberships: known.user.memberships.iter().map(Into::into).collect(),
            token: known.token.clone(),
            reaches: reaches(demo, &known.user.id, base),
        });
        let operations = operations.iter().map(|operation| OperationOut {
            method: operation.method.clone(),
            path: base.join(&operation.path),
            answers: operation.answers.names().map(AnswerOut::from).collect(),
        });
        let Limits { copies, idle, .. } = sandbox.limits();
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
                secret: HmacSecret::OF_THE_SANDBOX,
            },
            organizations: demo.organizations().iter().map(Into::into).collect(),
            operations: operations.collect(),
            visitors: VisitorsOut {
                header: SESSION_NAME,
                reset: format!("POST {}", routes::RESET),
                most: copies,
                idle_seconds: idle.as_secs(),
            },
            document: base.join(routes::DOCUMENT),
            reference: routes::DOCS.to_owned(),
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

impl From<&DemoOrganization> for OrganizationOut {
    fn from(demo: &DemoOrganization) -> Self {
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
