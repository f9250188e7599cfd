//! The response of the audit log: entries, and a page of them.
//!
//! `llavero audit --json` prints the same entries. Every field is always present.

use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::Example,
};
use serde::Serialize;
use serde_json::json;
use uuid::{Uuid, uuid};

use super::cursor;
use crate::{
    api::scalars::{DateTime, response_only, scalar},
    model::{
        Actor, AuditEntry, AuditEvent, AuditFilter, AuditPage, AuditParts, Changes, Role, Timestamp,
    },
};

/// A change of an organization, a member or a key.
#[derive(Object, Serialize)]
#[oai(rename = "AuditEntry", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryOut {
    /// The time of the change.
    at: DateTime,
    /// The actor who made the change.
    actor: ActorOut,
    /// The kind of the change.
    action: ActionOut,
    /// The key that was changed.
    #[oai(nullable)]
    key_id: Option<Uuid>,
    /// The name of the key before the change, or the name that it was created with.
    #[oai(nullable)]
    key_name: Option<String>,
    /// The user whose membership was changed.
    #[oai(nullable)]
    member_id: Option<String>,
    /// The role of the member after the change, or the last role of a removed member.
    #[oai(nullable)]
    role: Option<RoleOut>,
    /// The changed fields, each with its value before and after. Null if the other fields describe the change completely.
    #[oai(nullable)]
    changes: Option<ChangesOut>,
}

impl From<AuditEntry> for AuditEntryOut {
    fn from(entry: AuditEntry) -> Self {
        let AuditParts {
            key,
            member,
            role,
            changes,
        } = entry.event.parts();
        Self {
            at: DateTime(entry.at),
            actor: entry.actor.into(),
            action: ActionOut(entry.event.name()),
            key_id: key.as_ref().map(|key| key.id.0),
            key_name: key.map(|key| key.name.into()),
            member_id: member.map(|user| user.to_string()),
            role: role.map(RoleOut::from),
            changes: changes.map(ChangesOut),
        }
    }
}

/// A user, or the command line, which authenticates no user.
#[derive(Object, Serialize)]
#[oai(rename = "AuditActor")]
struct ActorOut {
    /// The type of the actor.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: ActorTypeOut,
    /// The id of the user. Only with the type `user`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl From<Actor> for ActorOut {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(user) => Self {
                kind: ActorTypeOut::User,
                id: Some(user.to_string()),
            },
            Actor::Operator => Self {
                kind: ActorTypeOut::Cli,
                id: None,
            },
        }
    }
}

/// The type of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "AuditActorType", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum ActorTypeOut {
    User,
    Cli,
}

/// The role of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "Role", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum RoleOut {
    Owner,
    Admin,
    Member,
}

impl From<Role> for RoleOut {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

/// The name of an event.
#[derive(Serialize)]
struct ActionOut(&'static str);

scalar!(
    ActionOut,
    [],
    "audit action",
    MetaSchema {
        enum_items: AuditEvent::NAMES.map(Into::into).to_vec(),
        ..MetaSchema::new("string")
    }
);

response_only!(ActionOut);

/// Changed fields, each with its value before and after.
#[derive(Serialize)]
struct ChangesOut(Changes);

scalar!(
    ChangesOut,
    [],
    "audit changes",
    MetaSchema {
        additional_properties: Some(Box::new(inline(MetaSchema {
            required: vec!["from", "to"],
            properties: vec![
                ("from", inline(MetaSchema::ANY)),
                ("to", inline(MetaSchema::ANY))
            ],
            ..MetaSchema::new("object")
        }))),
        ..MetaSchema::new("object")
    }
);

fn inline(schema: MetaSchema) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(schema))
}

response_only!(ChangesOut);

/// A part of an organization's audit log, newest entry first.
#[derive(Object, Serialize)]
#[oai(rename = "AuditPage", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditPageOut {
    /// The entries.
    #[oai(validator(max_items = 100))]
    items: Vec<AuditEntryOut>,
    /// The `cursor` of the next page; null on the last page.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl AuditPageOut {
    pub(super) fn new(page: AuditPage, filter: &AuditFilter) -> Self {
        Self {
            items: page.entries.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(|next| cursor::encode(next, filter)),
        }
    }
}

/// A key of the demo fixtures gets another name.
impl Example for AuditEntryOut {
    fn example() -> Self {
        let mut changes = Changes::default();
        changes.record("name", json!("Server"), json!("Production server"));
        Self {
            at: DateTime(Timestamp::from_millis(1_767_614_400_000)),
            actor: ActorOut {
                kind: ActorTypeOut::User,
                id: Some("11111111-1111-4111-8111-111111111111".to_owned()),
            },
            action: ActionOut("key.updated"),
            key_id: Some(uuid!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01")),
            key_name: Some("Server".to_owned()),
            member_id: None,
            role: None,
            changes: Some(ChangesOut(changes)),
        }
    }
}

impl Example for AuditPageOut {
    fn example() -> Self {
        let added = AuditEntryOut {
            at: DateTime(Timestamp::from_millis(1_767_610_800_000)),
            actor: Actor::Operator.into(),
            action: ActionOut("member.added"),
            key_id: None,
            key_name: None,
            member_id: Some("33333333-3333-4333-8333-333333333333".to_owned()),
            role: Some(RoleOut::Member),
            changes: None,
        };
        Self {
            items: vec![AuditEntryOut::example(), added],
            next_cursor: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn response_is_serialized_as_documented() {
        let page = AuditPageOut::example();
        assert_eq!(serde_json::to_value(&page).ok(), page.to_json());
    }
}
