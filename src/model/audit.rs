//! The audit log: changes of keys, members and organizations, each with its actor and time.
//!
//! An entry is written in the transaction of the change itself (`store::sqlite::audit`), so every committed change has
//! its entry and a change that was rolled back has none. Reads are not logged.

use serde_json::{Value, json};

use super::{Actor, Changes, KeyId, Name, Role, Timestamp, UserId};

/// A change, with its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditEvent {
    /// The organization was created.
    OrganizationCreated,
    /// The organization got another name or slug.
    OrganizationRenamed(Changes),
    /// A change of a member.
    Member(UserId, MemberEvent),
    /// A change of a key. The name is the one before the change.
    Key(AuditedKey, KeyEvent),
    /// This number of requests with the organization's keys was imported.
    UsageImported(i64),
}

/// A change of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberEvent {
    /// The user was added with this role.
    Added(Role),
    /// The member's role was changed to this one.
    Changed(Role),
    /// The member with this role was removed; `None` if the role was not recorded.
    Removed(Option<Role>),
}

/// A change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEvent {
    /// The key was created.
    Created,
    /// Settings of the key were changed.
    Updated(Changes),
    /// The key was disabled.
    Disabled,
    /// The key was enabled.
    Enabled,
    /// The key got a new secret.
    Rotated,
    /// The key was revoked.
    Revoked,
}

/// A key in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedKey {
    /// Its id.
    pub id: KeyId,
    /// Its name before the change, or the name that it was created with.
    pub name: Name,
}

/// The parts of an event as they are stored and sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditParts {
    /// The key that was changed.
    pub key: Option<AuditedKey>,
    /// The user whose membership was changed.
    pub member: Option<UserId>,
    /// The role that the member got, or the one that a removed member had.
    pub role: Option<Role>,
    /// The changed fields.
    pub changes: Option<Changes>,
}

impl AuditEvent {
    /// The names of all events; see [`Self::name`].
    pub const NAMES: [&str; 12] = [
        "org.created",
        "org.renamed",
        "member.added",
        "member.changed",
        "member.removed",
        "key.created",
        "key.updated",
        "key.disabled",
        "key.enabled",
        "key.rotated",
        "key.revoked",
        "usage.imported",
    ];

    /// Returns the event's name, in the database and in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::OrganizationCreated => "org.created",
            Self::OrganizationRenamed(_) => "org.renamed",
            Self::Member(_, MemberEvent::Added(_)) => "member.added",
            Self::Member(_, MemberEvent::Changed(_)) => "member.changed",
            Self::Member(_, MemberEvent::Removed(_)) => "member.removed",
            Self::Key(_, KeyEvent::Created) => "key.created",
            Self::Key(_, KeyEvent::Updated(_)) => "key.updated",
            Self::Key(_, KeyEvent::Disabled) => "key.disabled",
            Self::Key(_, KeyEvent::Enabled) => "key.enabled",
            Self::Key(_, KeyEvent::Rotated) => "key.rotated",
            Self::Key(_, KeyEvent::Revoked) => "key.revoked",
            Self::UsageImported(_) => "usage.imported",
        }
    }

    /// Returns the event's parts. Together with [`Self::name`], they describe the event completely.
    #[must_use]
    pub fn parts(&self) -> AuditParts {
        let mut parts = AuditParts::default();
        match self {
            Self::OrganizationCreated => {}
            Self::OrganizationRenamed(changes) => parts.changes = Some(changes.clone()),
            Self::Member(user, event) => {
                parts.member = Some(user.clone());
                parts.role = match event {
                    MemberEvent::Added(role) | MemberEvent::Changed(role) => Some(*role),
                    MemberEvent::Removed(role) => *role,
                };
            }
            Self::Key(key, event) => {
                parts.key = Some(key.clone());
                if let KeyEvent::Updated(changes) = event {
                    parts.changes = Some(changes.clone());
                }
            }
            Self::UsageImported(requests) => {
                let mut changes = Changes::default();
                changes.record("requests", Value::Null, json!(requests));
                parts.changes = Some(changes);
            }
        }
        parts
    }

    /// Builds an event from its name and its parts. `None` for parts that do not belong together.
    #[must_use]
    pub fn from_parts(name: &str, parts: AuditParts) -> Option<Self> {
        let AuditParts {
            key,
            member,
            role,
            changes,
        } = parts;
        Some(match (name, key, member) {
            ("org.created", None, None) => Self::OrganizationCreated,
            ("org.renamed", None, None) => Self::OrganizationRenamed(changes?),
            ("usage.imported", None, None) => {
                let changes = changes?;
                let (_, _, requests) = changes.iter().find(|(field, ..)| *field == "requests")?;
                Self::UsageImported(requests.as_i64()?)
            }
            (name, None, Some(user)) => Self::Member(user, MemberEvent::from_parts(name, role)?),
            (name, Some(key), None) => Self::Key(key, KeyEvent::from_parts(name, changes)?),
            _ => return None,
        })
    }
}

impl MemberEvent {
    fn from_parts(name: &str, role: Option<Role>) -> Option<Self> {
        match name {
            "member.added" => role.map(Self::Added),
            "member.changed" => role.map(Self::Changed),
            "member.removed" => Some(Self::Removed(role)),
            _ => None,
        }
    }
}

impl KeyEvent {
    fn from_parts(name: &str, changes: Option<Changes>) -> Option<Self> {
        match name {
            "key.created" => Some(Self::Created),
            "key.updated" => changes.map(Self::Updated),
            "key.disabled" => Some(Self::Disabled),
            "key.enabled" => Some(Self::Enabled),
            "key.rotated" => Some(Self::Rotated),
            "key.revoked" => Some(Self::Revoked),
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

/// The entries to return: all conditions apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only changes of this key; `None` for all changes.
    pub key: Option<KeyId>,
    /// Only entries from this instant on; `None` for all entries.
    pub since: Option<Timestamp>,
}

/// A pagination cursor: the last entry of a page. The next page starts after it, from newest to oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCursor {
    /// The time of the entry.
    pub at: Timestamp,
    /// The number of the entry, which orders entries of the same instant.
    pub id: i64,
}

/// A page of an organization's audit log, newest entry first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<AuditCursor>,
}
