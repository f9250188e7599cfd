//! Who can ask in the sandbox: the demo's users, each with a token that is the same everywhere and for ever.
//!
//! Signed with the public secret of `crate::token`, so that a token can be printed in documentation; a real server
//! refuses both.

use std::{collections::HashMap, time::Duration};

use super::Visitor;
use crate::{
    fixtures::{Demo, DemoUser},
    model::{Role, SecretHash, Timestamp, UserId},
    token::{HmacSecret, MintError, NewToken, mint},
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
pub(super) fn users(demo: &Demo) -> Result<Vec<SandboxUser>, MintError> {
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
pub(super) fn expired_token(users: &[SandboxUser]) -> Result<String, MintError> {
    let first = users.first();
    let token = first.map(|known| token(&known.user.id, Timestamp::from_millis(1000)));
    Ok(token.transpose()?.unwrap_or_default())
}

/// A token that was issued in 1970: valid wherever the clock may stand, until it expires.
pub(super) fn token(user: &UserId, expires: Timestamp) -> Result<String, MintError> {
    let issued = Timestamp::from_millis(0);
    let token = NewToken {
        user: user.clone(),
        ttl: Duration::from_millis(expires.as_millis().unsigned_abs()),
        audience: None,
        issuer: None,
    };
    mint(&HmacSecret::of_the_sandbox(), &token, issued)
}
