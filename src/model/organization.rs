//! Organizations, who belongs to them, and the answer to "may this user read it?".
//!
//! The store decides access in the same statement that reads, and answers with [`Access`]; what a refusal
//! looks like is the API's business.

use super::{OrganizationId, Timestamp, UserId};

/// An organization: the owner of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in URLs: lower-case letters, digits and inner hyphens, never the shape of a UUID.
    pub slug: String,
    /// Its name for people, 1 to 100 characters.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a member may do. Every role may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns the organization.
    Owner,
    /// Manages its keys.
    Admin,
    /// Reads.
    Member,
}

impl Role {
    /// The role's name in the database and in fixtures.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

/// A user to be made a member of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// The organization.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// What the user may do there.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a read on behalf of a user found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<T> {
    /// There is no such organization, or the user is not a member of it. The two are one answer on purpose:
    /// a stranger must not learn which organizations exist.
    Denied,
    /// The user is a member; here is what the member asked for.
    Granted(T),
}
