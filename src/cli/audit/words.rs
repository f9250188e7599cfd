//! An entry of the audit log in words: `Deployment (81295d48-…), description removed, by ana`.
//!
//! Used by the table of `llavero audit`. The caller escapes the text, which contains names from users.

use serde_json::Value;

use crate::model::{Actor, AuditEntry, AuditEvent, Changes, MemberEvent, Role, UserId};

/// Describes the object of a change, what was changed, and the actor.
pub(super) fn describe(entry: &AuditEntry) -> String {
    let event = &entry.event;
    let changes = match event {
        AuditEvent::UsageImported(_) => None,
        event => event.parts().changes,
    };
    let changes: Vec<String> = changes
        .iter()
        .flat_map(Changes::iter)
        .map(|(field, from, to)| change(field, from, to))
        .collect();
    let by = match &entry.actor {
        Actor::User(user) => format!("by {}", quoted(user.as_str())),
        Actor::Operator => "by cli".to_owned(),
    };
    let object = object(event);
    if changes.is_empty() {
        let parts = object.into_iter().chain([by]);
        return parts.collect::<Vec<_>>().join(" ");
    }
    let parts = object.into_iter().chain(changes).chain([by]);
    parts.collect::<Vec<_>>().join(", ")
}

/// Describes the key, the member or the number of requests that an event is about.
fn object(event: &AuditEvent) -> Option<String> {
    match event {
        AuditEvent::OrganizationCreated | AuditEvent::OrganizationRenamed(_) => None,
        AuditEvent::Member(user, event) => Some(member(user, *event)),
        AuditEvent::Key(key, _) => Some(format!("{} ({})", quoted(key.name.as_str()), key.id.0)),
        AuditEvent::UsageImported(requests) => Some(format!("{requests} requests")),
    }
}

fn member(user: &UserId, event: MemberEvent) -> String {
    let user = quoted(user.as_str());
    match event {
        MemberEvent::Added(role) | MemberEvent::Changed(role) => {
            format!("{user} as {}", role.as_str())
        }
        MemberEvent::Removed(role) => match role.map(Role::as_str) {
            Some(role) => format!("{user} was {role}"),
            None => user,
        },
    }
}

/// Describes the change of a field, which is absent if it is null.
fn change(field: &str, from: &Value, to: &Value) -> String {
    let name = match field {
        "externalId" => "external id",
        "rateLimit" => "rate limit",
        "expiresAt" => "expiry",
        other => other,
    };
    let value = |value: &Value| match field {
        "rateLimit" => format!("{} in {} s", value["limit"], value["windowSeconds"]),
        "quota" => format!("{} per {}", value["limit"], plain(&value["period"])),
        _ => plain(value),
    };
    match (from, to) {
        (Value::Null, to) => format!("{name} set to {}", value(to)),
        (from, Value::Null) => format!("{name} removed, which was {}", value(from)),
        (from, to) => format!("{name} changed from {} to {}", value(from), value(to)),
    }
}

/// Formats a text, a list of words, or any other value as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            items.join(" ")
        }
        other => other.to_string(),
    }
}

/// Returns a text, in quotes unless it is one word without quotes.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '"') {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::model::{AuditedKey, KeyEvent, KeyId, Name, Timestamp};

    fn words(actor: Actor, event: AuditEvent) -> String {
        let at = Timestamp::from_millis(0);
        describe(&AuditEntry { at, actor, event })
    }

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn key(event: KeyEvent) -> AuditEvent {
        let key = AuditedKey {
            id: KeyId(Uuid::nil()),
            name: Name::new("Old name").unwrap(),
        };
        AuditEvent::Key(key, event)
    }

    #[test]
    fn words_tell_the_object_and_the_actor() {
        let id = Uuid::nil();
        for (event, expected) in [
            (AuditEvent::OrganizationCreated, "by \"Ana B\"".to_owned()),
            (
                AuditEvent::Member(user("eva"), MemberEvent::Added(Role::Admin)),
                "eva as admin by \"Ana B\"".to_owned(),
            ),
            (
                AuditEvent::Member(user("eva"), MemberEvent::Removed(Some(Role::Admin))),
                "eva was admin by \"Ana B\"".to_owned(),
            ),
            (
                AuditEvent::Member(user("eva"), MemberEvent::Removed(None)),
                "eva by \"Ana B\"".to_owned(),
            ),
            (
                key(KeyEvent::Disabled),
                format!("\"Old name\" ({id}) by \"Ana B\""),
            ),
            (
                AuditEvent::UsageImported(7),
                "7 requests by \"Ana B\"".to_owned(),
            ),
        ] {
            assert_eq!(words(Actor::User(user("Ana B")), event), expected);
        }
    }

    #[test]
    fn words_tell_each_change() {
        let id = Uuid::nil();
        let day = json!("2030-01-31T00:00:00.000Z");
        for (field, from, to, expected) in [
            (
                "name",
                json!("Old name"),
                json!("new"),
                "name changed from \"Old name\" to new",
            ),
            (
                "description",
                json!(null),
                json!("a b"),
                "description set to \"a b\"",
            ),
            (
                "externalId",
                json!("x"),
                json!(null),
                "external id removed, which was x",
            ),
            (
                "scopes",
                json!([]),
                json!(["a", "b"]),
                "scopes changed from none to a b",
            ),
            (
                "rateLimit",
                json!({ "limit": 1, "windowSeconds": 2 }),
                json!({ "limit": 3, "windowSeconds": 4 }),
                "rate limit changed from 1 in 2 s to 3 in 4 s",
            ),
            (
                "quota",
                json!(null),
                json!({ "limit": 5, "period": "month" }),
                "quota set to 5 per month",
            ),
            (
                "expiresAt",
                json!(null),
                day,
                "expiry set to 2030-01-31T00:00:00.000Z",
            ),
            (
                "metadata",
                json!({}),
                json!({ "limit": "x" }),
                "metadata changed from {} to {\"limit\":\"x\"}",
            ),
        ] {
            let mut changes = Changes::default();
            changes.record(field, from, to);
            let event = key(KeyEvent::Updated(changes));
            let expected = format!("\"Old name\" ({id}), {expected}, by cli");
            assert_eq!(words(Actor::Operator, event), expected);
        }
    }
}
