//! The sandbox's users and their bearer tokens.
//!
//! The tokens are signed with the sandbox's public secret, never expire, and are the same on every machine, so that
//! documentation can print them. Every other server refuses that secret and therefore these tokens.

use std::{collections::HashMap, time::Duration};

use serde_json::{Map, Value};

use super::SessionId;
use crate::{
    fixtures::{Fixtures, UserFixture},
    model::{Role, SecretHash, Timestamp, UserId},
    token::{HmacSecret, MintError, NewToken, mint},
};

/// A user of the sandbox.
#[derive(Debug, Clone)]
pub struct SandboxUser {
    /// The user's id, name and memberships.
    pub user: UserFixture,
    /// The bearer token whose `sub` is this user.
    pub token: String,
}

/// Returns all users, the one with the most organizations first.
pub(super) fn users(demo: &Fixtures) -> Result<Vec<SandboxUser>, MintError> {
    let with_token = |user: UserFixture| {
        let token = token(&user.id, Map::new())?;
        Ok(SandboxUser { user, token })
    };
    demo.users().into_iter().map(with_token).collect()
}

/// Maps each fixture key to the session of the first user who owns its organization.
pub(super) fn owners(demo: &Fixtures, users: &[SandboxUser]) -> HashMap<SecretHash, SessionId> {
    let mut owners = HashMap::new();
    for organization in demo.organizations() {
        let owns = |known: &&SandboxUser| organization.role_of(&known.user.id) == Some(Role::Owner);
        if let Some(owner) = users.iter().find(owns) {
            let session = SessionId::from_token(&owner.token);
            owners.extend(
                organization
                    .keys()
                    .map(|(.., secret)| (secret.hash(), session)),
            );
        }
    }
    owners
}

/// Returns a token of the first user that has expired at any clock setting.
pub(super) fn expired_token(users: &[SandboxUser]) -> Result<String, MintError> {
    let first = users.first();
    let token = first.map(|known| sign(&known.user.id, Timestamp::from_millis(1000), Map::new()));
    Ok(token.transpose()?.unwrap_or_default())
}

/// Signs a token that every sandbox accepts. It never expires.
///
/// # Errors
/// If the library cannot sign.
pub fn token(user: &UserId, further_claims: Map<String, Value>) -> Result<String, MintError> {
    sign(user, Timestamp::MAX, further_claims)
}

/// Signs a token that was issued in 1970, so that it is valid at any clock setting until it expires.
fn sign(
    user: &UserId,
    expires: Timestamp,
    further_claims: Map<String, Value>,
) -> Result<String, MintError> {
    let issued = Timestamp::from_millis(0);
    let token = NewToken {
        user: user.clone(),
        ttl: Duration::from_millis(expires.as_millis().unsigned_abs()),
        audience: None,
        issuer: None,
        further_claims,
    };
    mint(&HmacSecret::sandbox(), &token, issued)
}
