//! Who can ask in the sandbox: the demo's users, each with a token that is the same everywhere and for ever.
//!
//! Signed with the public secret of `crate::token`, so that a token can be printed in documentation; a real server
//! refuses both.

use std::{collections::HashMap, time::Duration};

use super::{StartError, Visitor};
use crate::{
    demo::{Demo, DemoUser},
    model::{Role, SecretHash, Timestamp, UserId},
    token::{HmacSecret, NewToken, mint},
};

/// Somebody who can ask.
#[derive(Debug, Clone)]
pub struct SandboxUser {
    /// Who it is.
    pub user: DemoUser,
    /// The token that speaks for them.
    pub token: String,
}

/// All users, the one with the most to see first.
pub(super) fn users(demo: &Demo) -> Result<Vec<SandboxUser>, StartError> {
    let with_token = |user: DemoUser| {
        let token = token(&user.id, Timestamp::LATEST)?;
        Ok(SandboxUser { user, token })
    };
    demo.users().into_iter().map(with_token).collect()
}

/// Whom each key belongs to: the first of the users who owns its organization.
pub(super) fn owners(demo: &Demo, users: &[SandboxUser]) -> HashMap<SecretHash, Visitor> {
    let mut owners = HashMap::new();
    for organization in demo.organizations() {
        let owns = |known: &&SandboxUser| organization.role_of(&known.user.id) == Some(Role::Owner);
        if let Some(owner) = users.iter().find(owns) {
            let visitor = Visitor::of_token(&owner.token);
            owners.extend(
                organization
                    .keys()
                    .map(|(.., secret)| (secret.hash(), visitor)),
            );
        }
    }
    owners
}

/// A token that has expired, whatever the clock says: the first user's.
pub(super) fn expired_token(demo: &Demo) -> Result<String, StartError> {
    let user = demo.users().into_iter().next();
    user.map_or_else(
        || Ok(String::new()),
        |user| token(&user.id, Timestamp::from_millis(1000)),
    )
}

/// A token that was issued in 1970: valid wherever the clock may stand, until it expires.
pub(super) fn token(user: &UserId, expires: Timestamp) -> Result<String, StartError> {
    let issued = Timestamp::from_millis(0);
    let token = NewToken {
        user: user.clone(),
        ttl: Duration::from_millis(expires.as_millis().unsigned_abs()),
        audience: None,
        issuer: None,
    };
    let signed = mint(&HmacSecret::of_the_sandbox(), &token, issued);
    signed.map_err(|error| StartError::Sign(error.to_string()))
}
