//! The audit log of an organization, and the part of it that is about one key. For owners and admins.
//!
//! Reads the same page of the store as the API's operation. Secrets are not in the log, so none can appear here.

use maud::{Markup, html};
use poem::{Response, Result};
use serde::Deserialize;
use serde_json::Value;

use super::{
    format::{counted, number, time},
    layout, query,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{
        Actor, AuditCursor, AuditEntry, AuditEvent, AuditFilter, AuditPage, Changes, KeyEvent,
        KeyId, MemberEvent, Role, Timestamp, UserMembership,
    },
};

/// The number of entries on the page, and on the page of a key.
const PAGE: u32 = 50;
const KEY_PAGE: u32 = 10;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    cursor: String,
    #[serde(rename = "keyId")]
    key: String,
}

/// `GET /dashboard/{slug}/audit`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let slug: String = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let parameters: Parameters = query::parse(&visit.request);
    let filter = AuditFilter {
        key: (!parameters.key.is_empty()).then(|| KeyId::parse_or_nil(&parameters.key)),
        since: None,
    };
    let cursor = decode(&parameters.cursor);
    let page = read(&visit, membership, filter, cursor, PAGE).await?;
    let path = format!("/dashboard/{slug}/audit");
    let content = content(
        &page,
        &path,
        &parameters,
        &Visit::keys_path(&slug),
        visit.now,
    );
    Ok(layout::organization_page(
        &visit,
        membership,
        "Audit log",
        &content,
    ))
}

/// Returns the section with the newest entries about a key.
pub(super) async fn of_key(
    visit: &Visit,
    membership: &UserMembership,
    key: KeyId,
) -> Result<Markup> {
    let filter = AuditFilter {
        key: Some(key),
        since: None,
    };
    let page = read(visit, membership, filter, None, KEY_PAGE).await?;
    let slug = membership.organization.slug.as_str();
    Ok(html! {
        section aria-labelledby="audit" {
            h2 #audit { "History" }
            @if page.entries.is_empty() {
                p.empty { "No change was recorded." }
            } @else {
                (entries(&page.entries, &Visit::keys_path(slug), visit.now))
            }
            @if page.next.is_some() {
                p { a href={ "/dashboard/" (slug) "/audit?keyId=" (key.0) } { "All changes" } }
            }
        }
    })
}

async fn read(
    visit: &Visit,
    membership: &UserMembership,
    filter: AuditFilter,
    after: Option<AuditCursor>,
    limit: u32,
) -> Result<AuditPage> {
    let organization = membership.organization_ref();
    let by = visit.actor();
    let page = visit
        .app
        .store
        .audit_page(organization, by, filter, after, limit);
    Ok(page.await.map_err(ApiError::from)?)
}

/// Encodes a cursor for a link. A text that is not a cursor means the first page.
fn encode(cursor: AuditCursor) -> String {
    format!("{}-{}", cursor.at.as_millis(), cursor.id)
}

fn decode(text: &str) -> Option<AuditCursor> {
    let (at, id) = text.split_once('-')?;
    Some(AuditCursor {
        at: Timestamp::from_millis(at.parse().ok()?),
        id: id.parse().ok()?,
    })
}

fn content(
    page: &AuditPage,
    path: &str,
    parameters: &Parameters,
    keys: &str,
    now: Timestamp,
) -> Markup {
    let key = if parameters.key.is_empty() {
        String::new()
    } else {
        format!("&keyId={}", query::encode(&parameters.key))
    };
    html! {
        div.title { h1 { "Audit log" } }
        section aria-label="Audit log" {
            @if page.entries.is_empty() {
                p.empty { "No change was recorded." }
            } @else {
                (entries(&page.entries, keys, now))
            }
            @if let Some(next) = page.next {
                nav.pages aria-label="Pages" { a rel="next" href={ (path) "?cursor=" (encode(next)) (key) } { "Older changes" } }
            }
        }
    }
}

fn entries(entries: &[AuditEntry], keys: &str, now: Timestamp) -> Markup {
    html! {
        table.audit {
            thead { tr { th scope="col" { "Change" } th scope="col" { "By" } th.num scope="col" { "When" } } }
            tbody {
                @for entry in entries {
                    tr {
                        td { (event(&entry.event, keys)) (changes(entry.event.parts().changes)) }
                        td {
                            @match &entry.actor {
                                Actor::User(user) => code { (user) },
                                Actor::Operator => span.soft { "command line" },
                            }
                        }
                        td.num { (time(entry.at, now)) }
                    }
                }
            }
        }
    }
}

fn event(event: &AuditEvent, keys: &str) -> Markup {
    match event {
        AuditEvent::OrganizationCreated => html! { "Organization created" },
        AuditEvent::OrganizationRenamed(_) => html! { "Organization renamed" },
        AuditEvent::UsageImported(requests) => {
            html! { (counted(*requests, "request")) " imported" }
        }
        AuditEvent::Member(user, event) => html! {
            "Member " code { (user) } " "
            @match event {
                MemberEvent::Added(role) => { "added as " (role.as_str()) },
                MemberEvent::Changed(role) => { "is now " (role.as_str()) },
                MemberEvent::Removed(role) => { "removed" (lost(*role)) },
            }
        },
        AuditEvent::Key(key, event) => html! {
            "Key " a href={ (keys) "/" (key.id.0) } { (key.name) } " "
            (match event {
                KeyEvent::Created => "created",
                KeyEvent::Updated(_) => "changed",
                KeyEvent::Disabled => "disabled",
                KeyEvent::Enabled => "enabled",
                KeyEvent::Rotated => "rotated",
                KeyEvent::Revoked => "revoked",
            })
        },
    }
}

fn lost(role: Option<Role>) -> String {
    role.map(|role| format!(", who was {}", role.as_str()))
        .unwrap_or_default()
}

fn changes(changes: Option<Changes>) -> Markup {
    html! {
        @if let Some(changes) = changes {
            ul.changes {
                @for (field, from, to) in changes.iter().filter(|(field, ..)| *field != "requests") {
                    li { (label(field)) ": " (value(from)) " → " (value(to)) }
                }
            }
        }
    }
}

fn label(field: &str) -> &str {
    match field {
        "name" => "Name",
        "slug" => "Slug",
        "description" => "Description",
        "externalId" => "External id",
        "metadata" => "Metadata",
        "scopes" => "Scopes",
        "rateLimit" => "Rate limit",
        "quota" => "Quota",
        "expiresAt" => "Expires",
        other => other,
    }
}

/// Formats a value before or after a change.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(" ")
        }
        Value::Object(object) => {
            let count = |name| object.get(name).and_then(Value::as_i64).map(number);
            match (count("limit"), count("windowSeconds"), object.get("period")) {
                (Some(limit), Some(window), _) => format!("{limit} in {window} s"),
                (Some(limit), _, Some(Value::String(period))) => format!("{limit} per {period}"),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}
