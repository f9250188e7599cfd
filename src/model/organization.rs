//! Organizations, their members, and access to them.
//!
//! The store decides about access in the statement or transaction that reads or writes, and returns [`Access`]. The
//! API maps a refusal to a response.

use std::str::FromStr;

use super::{Name, OrganizationId, Slug, Timestamp, UserId};

/// An organization, which owns keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The id.
    pub id: OrganizationId,
    /// The name in URLs.
    pub slug: Slug,
    /// The display name.
    pub name: Name,
    /// The instant of creation.
    pub created_at: Timestamp,
}

/// A member's role. Every role may read keys and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Manages the organization and its keys.
    Owner,
    /// Manages its keys.
    Admin,
    /// Reads keys and statistics.
    Member,
}

impl Role {
    /// Returns the role's name in the database, in fixtures and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// Returns whether the role may list, create, rotate and revoke keys.
    #[must_use]
    pub fn manages_keys(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// The text is not the name of a role.
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
    /// The user's id.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    /// The instant at which the membership began.
    pub created_at: Timestamp,
}

/// The outcome of adding a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberAdded {
    /// The user was not a member before.
    Added(Member),
    /// The user was a member with another role.
    RoleChanged {
        /// The member with the new role.
        member: Member,
        /// The previous role.
        from: Role,
    },
    /// The user already was a member with that role.
    Unchanged(Member),
}

impl MemberAdded {
    /// Returns the member.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Self::Added(member) | Self::RoleChanged { member, .. } | Self::Unchanged(member) => {
                member
            }
        }
    }
}

/// The actor on whose behalf an operation runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, with the permissions of the user's role.
    User(UserId),
    /// The operator at the command line, who has access to the database file and may do everything.
    Operator,
}

/// The result of an operation that requires membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<T> {
    /// The organization does not exist, or the user is not a member. One variant covers both, so that a non-member
    /// cannot learn which organizations exist.
    Denied,
    /// The user is a member, but the role does not permit the operation.
    RoleTooLow,
    /// Access is granted, with the result.
    Granted(T),
}

impl<T> Access<T> {
    /// Applies `next` to the result if access is granted.
    ///
    /// # Errors
    /// Those of `next`.
    pub fn try_map<U, E>(self, next: impl FnOnce(T) -> Result<U, E>) -> Result<Access<U>, E> {
        Ok(match self {
            Self::Denied => Access::Denied,
            Self::RoleTooLow => Access::RoleTooLow,
            Self::Granted(found) => Access::Granted(next(found)?),
        })
    }
}
