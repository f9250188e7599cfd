//! Who did what, to which key or member, and when.
//!
//! An entry is written in the transaction of the act itself (`store::sqlite::audit`): what is in the database
//! has its entry, and what was undone has none. Reading is not an act.

use serde_json::{Value, json};

use super::{Actor, KeyId, Role, Timestamp, UserId};

/// Something that was done, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The organization was created.
    OrganizationCreated,
    /// A user became a member, in this role.
    MemberAdded(UserId, Role),
    /// A member got another role: this one.
    MemberChanged(UserId, Role),
    /// A member was removed, who had this role; `None` if it was not recorded.
    MemberRemoved(UserId, Option<Role>),
    /// A key was created.
    KeyCreated(KeyId),
    /// A key got a new secret.
    KeyRotated(KeyId),
    /// A key was revoked.
    KeyRevoked(KeyId),
    /// So many requests of the organization's keys were imported.
    UsageImported(i64),
}

impl Act {
    /// The act's name in the database and for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::OrganizationCreated => "org.created",
            Self::MemberAdded(..) => "member.added",
            Self::MemberChanged(..) => "member.changed",
            Self::MemberRemoved(..) => "member.removed",
            Self::KeyCreated(_) => "key.created",
            Self::KeyRotated(_) => "key.rotated",
            Self::KeyRevoked(_) => "key.revoked",
            Self::UsageImported(_) => "usage.imported",
        }
    }

    /// The key that it was done to.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        match self {
            Self::KeyCreated(key) | Self::KeyRotated(key) | Self::KeyRevoked(key) => Some(*key),
            _ => None,
        }
    }

    /// The member that it was done to.
    #[must_use]
    pub fn member(&self) -> Option<&UserId> {
        match self {
            Self::MemberAdded(user, _)
            | Self::MemberChanged(user, _)
            | Self::MemberRemoved(user, _) => Some(user),
            _ => None,
        }
    }

    /// Returns the role that the member got, or the one that a removed member had.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::MemberAdded(_, role) | Self::MemberChanged(_, role) => Some(*role),
            Self::MemberRemoved(_, role) => *role,
            _ => None,
        }
    }

    /// Returns what changed, as a JSON object: by field, `from` and `to`.
    #[must_use]
    pub fn changes(&self) -> Option<Value> {
        match self {
            Self::UsageImported(requests) => {
                Some(json!({ "requests": { "from": null, "to": requests } }))
            }
            _ => None,
        }
    }

    /// Builds an act from what [`Act::name`], [`Act::key`], [`Act::member`], [`Act::role`] and [`Act::changes`]
    /// return. Returns `None` for parts that do not belong together.
    #[must_use]
    pub fn from_parts(
        name: &str,
        key: Option<KeyId>,
        member: Option<UserId>,
        role: Option<Role>,
        changes: Option<&Value>,
    ) -> Option<Self> {
        match (name, key, member, role) {
            ("org.created", None, None, None) => Some(Self::OrganizationCreated),
            ("usage.imported", None, None, None) => {
                let requests = changes?.pointer("/requests/to")?.as_i64()?;
                Some(Self::UsageImported(requests))
            }
            ("member.added", None, Some(user), Some(role)) => Some(Self::MemberAdded(user, role)),
            ("member.changed", None, Some(user), Some(role)) => {
                Some(Self::MemberChanged(user, role))
            }
            ("member.removed", None, Some(user), role) => Some(Self::MemberRemoved(user, role)),
            ("key.created", Some(key), None, None) => Some(Self::KeyCreated(key)),
            ("key.rotated", Some(key), None, None) => Some(Self::KeyRotated(key)),
            ("key.revoked", Some(key), None, None) => Some(Self::KeyRevoked(key)),
            _ => None,
        }
    }
}

/// An act in an organization, as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub act: Act,
}
