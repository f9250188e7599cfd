//! The page of a key: its usage, its limits and its settings. For every member; owners and admins also see what they
//! can change, and the changes so far.
//!
//! The store decides what the visitor may read; the page leaves out what the role may not change.

use maud::{Markup, html};
use poem::{Response, Result};

use super::{
    audit,
    chart::chart,
    day_range::DayRange,
    format::{counted, exact_time, full_time, number, percent, relative, status},
    layout,
    overview::{figure, share},
    query::START,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{ApiKey, KeyId, KeyStatus, QuotaPeriod, RateLimit, Timestamp, UserMembership},
};

/// `GET /dashboard/{slug}/keys/{id}`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.membership(&slug)?;
    let organization = membership.organization_ref();
    let (user, id) = (visit.session.user.clone(), KeyId::parse_or_nil(&id));
    let range = DayRange::of(&visit.request);
    let store = &visit.app.store;
    let key = store.key(organization, user, id, visit.now, Some(range.days()));
    let key = key.await.map_err(ApiError::from)?;
    let path = Visit::key_path(&slug, key.id);
    let (actions, audit) = if membership.role.manages_keys() {
        let audit = audit::of_key(&visit, membership, key.id).await?;
        (actions(&key, &path, visit.now), audit)
    } else {
        (html! {}, html! {})
    };
    let content = html! {
        nav.path aria-label="Breadcrumb" { (parent(membership)) }
        (content(&key, &requests(&key, &path, range), visit.now, &actions))
        (audit)
    };
    let title = key.name.as_str();
    Ok(layout::organization_page(
        &visit, membership, title, &content,
    ))
}

/// A link to the list of keys, or to the organization for members who may not list keys.
fn parent(membership: &UserMembership) -> Markup {
    let slug = membership.organization.slug.as_str();
    html! {
        @if membership.role.manages_keys() {
            a href=(Visit::keys_path(slug)) { "Keys" }
        } @else {
            a href={ (START) "/" (slug) } { (membership.organization.name) }
        }
    }
}

/// The changes that a manager can make to the key, each with its effect in words.
fn actions(key: &ApiKey, path: &str, now: Timestamp) -> Markup {
    let status = key.status(now);
    html! {
        @if status != KeyStatus::Revoked {
            section.actions aria-labelledby="actions" {
                h2 #actions { "Manage" }
                (link_action(&format!("{path}/edit"), "Edit", "Changes the name, the limits, the scopes and the other settings."))
                @if status != KeyStatus::Expired {
                    (link_action(&format!("{path}/rotate"), "Rotate", "Makes a new secret. The present one can keep working for a while."))
                }
                @if key.disabled_at.is_some() {
                    (form_action(&format!("{path}/enable"), "Enable", "Requests with the key are accepted again."))
                } @else {
                    (form_action(&format!("{path}/disable"), "Disable", "Refuses every request with the key until it is enabled again."))
                }
                (link_action(&format!("{path}/revoke"), "Revoke", "Refuses every request with the key, for good."))
            }
        }
    }
}

fn link_action(href: &str, name: &str, effect: &str) -> Markup {
    html! { div { a.button href=(href) { (name) } p { (effect) } } }
}

fn form_action(action: &str, name: &str, effect: &str) -> Markup {
    html! {
        div {
            form method="post" action=(action) { button type="submit" { (name) } }
            p { (effect) }
        }
    }
}

fn content(key: &ApiKey, requests: &Markup, now: Timestamp, actions: &Markup) -> Markup {
    html! {
        div.title {
            div {
                h1 { (key.name) " " (status(key.status(now))) }
                p.soft { code { (key.preview) } " · " (state(key, now)) }
            }
        }
        (usage(key))
        (requests)
        section aria-labelledby="limits" {
            h2 #limits { "Limits" }
            (limits(key, now))
        }
        section aria-labelledby="settings" {
            h2 #settings { "Settings" }
            (settings(key, now))
        }
        (actions)
    }
}

/// Describes in a sentence whether the key works.
fn state(key: &ApiKey, now: Timestamp) -> String {
    let when = |instant: Option<Timestamp>| match instant {
        Some(instant) => format!(" {}", relative(instant, now)),
        None => String::new(),
    };
    match key.status(now) {
        KeyStatus::Revoked => format!("revoked{}, for good", when(key.revoked_at)),
        KeyStatus::Expired => format!("expired{}", when(key.expires_at)),
        KeyStatus::Disabled => format!("disabled{}", when(key.disabled_at)),
        KeyStatus::Active => match (key.last_used_at, key.expires_at) {
            (None, _) => "never used".to_owned(),
            (Some(used), None) => format!("last used {}", relative(used, now)),
            (Some(used), Some(expires)) => {
                let used = relative(used, now);
                format!("last used {used}, expires {}", relative(expires, now))
            }
        },
    }
}

fn usage(key: &ApiKey) -> Markup {
    let usage = key.usage;
    let total = usage.total_requests();
    html! {
        dl.strip {
            (figure("Requests", &number(total), "since its creation"))
            (figure("Successful", &percent(usage.successful_requests, total), &counted(usage.successful_requests, "request")))
            (figure("Rate-limited", &number(usage.rate_limit_hits), &share(usage.rate_limit_hits, total)))
            (figure("Errors", &number(usage.errors), &share(usage.errors, total)))
        }
    }
}

/// The chart of the key, with a link to each range of days.
fn requests(key: &ApiKey, path: &str, range: DayRange) -> Markup {
    let days = key.daily.as_deref().unwrap_or_default();
    let is_used = days.iter().any(|day| day.usage.total_requests() > 0);
    html! {
        section aria-labelledby="requests" {
            div.head {
                h2 #requests { "Requests per day" }
                (range.links(path))
            }
            @if is_used {
                (chart(days))
            } @else {
                p.empty { "No requests with this key in the last " (range.days()) " days." }
            }
        }
    }
}

fn limits(key: &ApiKey, now: Timestamp) -> Markup {
    html! {
        dl.fields {
            dt { "Rate limit" }
            dd {
                @match key.rate_limit {
                    Some(rate) => (rate_limit(rate)),
                    None => span.soft { "none" },
                }
            }
            dt { "Quota" }
            dd {
                @match key.quota {
                    Some(state) => {
                        @let (limit, period) = (state.quota.limit(), state.quota.period());
                        p {
                            (number(state.used)) " of " (number(limit)) " successful requests "
                            @match period { QuotaPeriod::Day => "today", QuotaPeriod::Month => "this month" }
                            ", " (number(state.remaining())) " left"
                        }
                        meter min="0" max=(limit) high=(limit / 10 * 9) value=(state.used.min(limit)) aria-label="Quota used" {}
                        p.soft { "Starts again on " (exact_time(state.resets_at, now)) }
                    },
                    None => span.soft { "none" },
                }
            }
        }
    }
}

/// Describes a rate limit: `100 requests in any 60 seconds`.
fn rate_limit(rate: RateLimit) -> String {
    let seconds = rate.window_seconds();
    let window = match seconds {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3600 => "hour".to_owned(),
        86_400 => "24 hours".to_owned(),
        seconds => counted(seconds, "second"),
    };
    format!(
        "{} in any {window}",
        counted(rate.limit(), "successful request")
    )
}

fn settings(key: &ApiKey, now: Timestamp) -> Markup {
    let none = |text| html! { span.soft { (text) } };
    html! {
        dl.fields {
            dt { "Id" }
            dd { code { (key.id.0) } }
            dt { "Description" }
            dd { @match &key.description { Some(text) => (text.as_str()), None => (none("none")) } }
            dt { "Scopes" }
            dd {
                @if key.scopes.iter().next().is_none() { (none("none")) }
                @else { ul.scopes { @for scope in key.scopes.iter() { li { code { (scope) } } } } }
            }
            dt { "Expires" }
            dd { @match key.expires_at { Some(at) => (full_time(at, now)), None => (none("never")) } }
            @if let Some(at) = key.previous_secret_expires_at(now) {
                dt { "Previous secret" }
                dd { "works until " (exact_time(at, now)) }
            }
            @if let Some(at) = key.revoked_at {
                dt { "Revoked" }
                dd { (full_time(at, now)) }
            }
            @if let Some(at) = key.disabled_at {
                dt { "Disabled" }
                dd { (full_time(at, now)) }
            }
            dt { "Last used" }
            dd { @match key.last_used_at { Some(at) => (full_time(at, now)), None => (none("never")) } }
            dt { "Created" }
            dd {
                (full_time(key.created_at, now)) br;
                @match &key.created_by {
                    Some(user) => { "by " code { (user) } },
                    None => (none("from the command line")),
                }
            }
            @if let Some(id) = &key.external_id {
                dt { "External id" }
                dd { code { (id) } }
            }
            @if !key.metadata.as_object().is_empty() {
                dt { "Metadata" }
                dd { pre { code { (pretty(key)) } } }
            }
        }
    }
}

fn pretty(key: &ApiKey) -> String {
    let metadata = key.metadata.as_object();
    serde_json::to_string_pretty(metadata).unwrap_or_else(|_| key.metadata.to_json())
}
