//! Organizations, who belongs to them, and the answer to "may this user read it?".
//!
//! The store decides access in the statement or the transaction that reads or changes, and answers with
//! [`Access`]; what a refusal looks like is the API's business.

use std::str::FromStr;

use super::{Name, OrganizationId, Slug, Timestamp, UserId};

/// An organization: the owner of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in URLs.
    pub slug: Slug,
    /// Its name for people.
    pub name: Name,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a member may do. Every role may read a key and the statistics.
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

    /// Whether this role may list, create, rotate and revoke keys.
    #[must_use]
    pub fn manages_keys(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// The text is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be owner, admin or member")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let mut roles = [Self::Owner, Self::Admin, Self::Member].into_iter();
        roles.find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// What the user may do there.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// How an attempt to make somebody a member ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberAdded {
    /// The user was no member before.
    Added(Member),
    /// The user was a member, in another role.
    RoleChanged {
        /// The member as of now.
        member: Member,
        /// The role until now.
        from: Role,
    },
    /// The user was that member already.
    Unchanged(Member),
}

impl MemberAdded {
    /// The member, whatever happened.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Self::Added(member) | Self::RoleChanged { member, .. } | Self::Unchanged(member) => {
                member
            }
        }
    }
}

/// On whose behalf something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, with the rights of their membership.
    User(UserId),
    /// Whoever may open the database file: the command line. May do everything.
    Operator,
}

/// What was found on behalf of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<T> {
    /// There is no such organization, or the user is not a member of it. The two are one answer on purpose:
    /// a stranger must not learn which organizations exist.
    Denied,
    /// The user is a member, but in a role that may not do this.
    RoleTooLow,
    /// Access is allowed; here is what was asked for.
    Granted(T),
}

impl<T> Access<T> {
    /// The same access to what `next` makes of it.
    ///
    /// # Errors
    /// Those of `next`, which runs only if access is allowed.
    pub fn try_map<U, E>(self, next: impl FnOnce(T) -> Result<U, E>) -> Result<Access<U>, E> {
        Ok(match self {
            Self::Denied => Access::Denied,
            Self::RoleTooLow => Access::RoleTooLow,
            Self::Granted(found) => Access::Granted(next(found)?),
        })
    }
}
