//! The audit log: changes of keys, members and organizations, each with its actor and time.
//!
//! An entry is written in the transaction of the change itself (`store::sqlite::audit`), so every committed change has
//! its entry and a change that was rolled back has none. Reads are not logged.

use serde_json::{Value, json};

use super::{Actor, KeyId, Role, Timestamp, UserId};

/// A change, with its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditEvent {
    /// The organization was created.
    OrganizationCreated,
    /// A user was added as a member with this role.
    MemberAdded(UserId, Role),
    /// A member's role was changed to this one.
    MemberChanged(UserId, Role),
    /// A member with this role was removed; `None` if the role was not recorded.
    MemberRemoved(UserId, Option<Role>),
    /// A key was created.
    KeyCreated(KeyId),
    /// A key got a new secret.
    KeyRotated(KeyId),
    /// A key was revoked.
    KeyRevoked(KeyId),
    /// This number of requests with the organization's keys was imported.
    UsageImported(i64),
}

impl AuditEvent {
    /// Returns the event's name, in the database and in output.
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

    /// Returns the key that was changed.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        match self {
            Self::KeyCreated(key) | Self::KeyRotated(key) | Self::KeyRevoked(key) => Some(*key),
            _ => None,
        }
    }

    /// Returns the user whose membership was changed.
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

    /// Builds an event from the parts that [`AuditEvent::name`], [`AuditEvent::key`], [`AuditEvent::member`],
    /// [`AuditEvent::role`] and [`AuditEvent::changes`] return. `None` for parts that do not belong together.
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

/// An entry of an organization's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The time of the change.
    pub at: Timestamp,
    /// The actor who made it.
    pub actor: Actor,
    /// The change.
    pub event: AuditEvent,
}
