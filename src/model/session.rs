//! Sessions of the dashboard, and the codes of the links that start them.
//!
//! A session token and a code are 32 random bytes in base64url. Invariant: only their [`TokenHash`] is stored. The hash is
//! unsalted SHA-256: 256 random bits cannot be guessed, and every request looks the hash up by an index.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Organization, OrganizationRef, Role, Timestamp, UserId, sha256};

/// The lifetime of a session.
pub const SESSION_TTL: Duration = Duration::from_hours(12);

/// The lifetime of the code of a sign-in link.
pub const CODE_TTL: Duration = Duration::from_mins(5);

/// The lifetime of the reusable code that `serve --demo` prints.
pub const DEMO_CODE_TTL: Duration = Duration::from_hours(24);

/// A random token: of a session, or of a sign-in link, where it is called a code. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RandomToken(String);

impl RandomToken {
    /// Creates a token from 32 random bytes.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    /// Returns the token itself, to send it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash, which the database stores.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for RandomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomToken(..)")
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Returns the hash of a text that a client sent as a token. Any text has one; only tokens are found.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// Returns the 32 bytes, which are stored and indexed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// The code of a sign-in link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCode {
    /// The hash of the code.
    pub hash: TokenHash,
    /// The user whom the link signs in.
    pub user: UserId,
    /// Whether the code works more than once.
    pub reusable: bool,
    /// The instant from which the code no longer works.
    pub expires_at: Timestamp,
}

/// A session to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSession {
    /// The hash of its token.
    pub hash: TokenHash,
    /// The instant at which it ends.
    pub expires_at: Timestamp,
    /// The session of the same browser, which it replaces.
    pub replaces: Option<TokenHash>,
}

/// The outcome of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInOutcome {
    /// The session was started for this user.
    SignedIn(UserId),
    /// The code is unknown, was used before, or has expired.
    InvalidCode,
    /// The user is not a member of an organization. The code was not used up.
    NoMembership(UserId),
}

/// A session, with what its user may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user: UserId,
    /// The user's organizations and roles, in the order of the slugs. Never empty: a session ends with the last one.
    pub memberships: Vec<UserMembership>,
}

/// An organization of a user, and the role in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMembership {
    /// The organization.
    pub organization: Organization,
    /// The role.
    pub role: Role,
}

impl UserMembership {
    /// Names the organization by its id.
    #[must_use]
    pub fn organization_ref(&self) -> OrganizationRef {
        OrganizationRef::Id(self.organization.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_43_characters_of_base64url_and_prints_as_dots() {
        let token = RandomToken::generate([0xff; 32]);
        assert_eq!(token.reveal().len(), 43);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!(token.reveal().chars().all(is_plain));
        assert_eq!(
            format!("{token:?} {:?}", token.hash()),
            "RandomToken(..) TokenHash(..)"
        );
        assert_eq!(token.hash(), TokenHash::of(token.reveal()));
    }
}
