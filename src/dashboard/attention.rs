//! The keys of an organization that need a person, for owners and admins: the first few of each kind, and a link to all.
//!
//! Called by [`super::overview`]. Each kind is one page of the list of keys, read with the query that its link opens, so that
//! the two always show the same keys.

use maud::{Markup, html};
use poem::Result;

use super::{
    format::{counted, relative},
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{
        Actor, ApiKey, Direction, KeyFilter, KeyOrder, KeyPage, KeyPageRequest, KeyQuery, KeySort,
        KeyUsage, OrganizationRef, Timestamp, UserMembership,
    },
};

/// The number of keys of each kind that are shown.
const SHOWN: u32 = 3;

/// Keys that expire within so many days need attention.
const EXPIRY_DAYS: u32 = 14;

/// A kind of keys: its title, its query, the parameters of the list of all of them, and a remark on one key.
struct Kind {
    title: &'static str,
    query: KeyQuery,
    parameters: String,
    remark: fn(&ApiKey, Timestamp) -> String,
}

fn kinds() -> [Kind; 5] {
    let used = |usage, direction| KeyQuery {
        filter: KeyFilter {
            usage: Some(usage),
            ..KeyFilter::default()
        },
        order: KeyOrder {
            sort: KeySort::LastUsedAt,
            direction,
        },
    };
    [
        Kind {
            title: "Expiring within 14 days",
            query: KeyQuery {
                filter: KeyFilter {
                    expires_within_days: Some(EXPIRY_DAYS),
                    ..KeyFilter::default()
                },
                order: KeyOrder {
                    sort: KeySort::ExpiresAt,
                    direction: Direction::Ascending,
                },
            },
            parameters: format!("expiresWithinDays={EXPIRY_DAYS}&sort=expiresAt&order=asc"),
            remark: expiring,
        },
        Kind {
            title: "Revoked but still called",
            query: used(KeyUsage::AfterRevocation, Direction::Descending),
            parameters: "usage=afterRevocation&sort=lastUsedAt".to_owned(),
            remark: still_called,
        },
        Kind {
            title: "Inactive",
            query: used(KeyUsage::Inactive, Direction::Ascending),
            parameters: "usage=inactive&sort=lastUsedAt&order=asc".to_owned(),
            remark: last_used,
        },
        Kind {
            title: "Never used",
            query: used(KeyUsage::Never, Direction::Descending),
            parameters: "usage=never&sort=lastUsedAt".to_owned(),
            remark: |key, now| format!("created {}", relative(key.created_at, now)),
        },
        Kind {
            title: "Most rate-limited",
            query: KeyQuery {
                filter: KeyFilter::default(),
                order: KeyOrder {
                    sort: KeySort::RateLimitHits,
                    direction: Direction::Descending,
                },
            },
            parameters: "sort=rateLimitHits".to_owned(),
            remark: |key, _| counted(key.usage.rate_limit_hits, "rate-limited request"),
        },
    ]
}

fn expiring(key: &ApiKey, now: Timestamp) -> String {
    let expires = key
        .expires_at
        .map(|at| relative(at, now))
        .unwrap_or_default();
    format!("expires {expires}; {}", last_used(key, now))
}

fn last_used(key: &ApiKey, now: Timestamp) -> String {
    match key.last_used_at {
        Some(at) => format!("last used {}", relative(at, now)),
        None => "never used".to_owned(),
    }
}

fn still_called(key: &ApiKey, now: Timestamp) -> String {
    let called = key
        .last_used_at
        .map(|at| relative(at, now))
        .unwrap_or_default();
    format!("last called {called}")
}

/// Returns the section, from one query for each kind.
pub(super) async fn section(visit: &Visit, membership: &UserMembership) -> Result<Markup> {
    let path = Visit::keys_path(membership.organization.slug.as_str());
    let mut found = Vec::new();
    for kind in kinds() {
        let request = KeyPageRequest {
            query: kind.query.clone(),
            after: None,
            limit: SHOWN,
            days: None,
        };
        let organization = OrganizationRef::Id(membership.organization.id);
        let by = Actor::User(visit.session.user.clone());
        let page = visit.app.store.keys(organization, by, request, visit.now);
        let mut page = page.await.map_err(ApiError::from)?;
        if kind.query.order.sort == KeySort::RateLimitHits {
            page.keys.retain(|key| key.usage.rate_limit_hits > 0);
        }
        if !page.keys.is_empty() {
            found.push((kind, page));
        }
    }
    Ok(html! {
        section.attention aria-labelledby="attention" {
            h2 #attention { "Needs attention" }
            @if found.is_empty() {
                p.empty { "Nothing: no key expires soon, is unused, is rate-limited, or is called after its revocation." }
            }
            div.kinds {
                @for (kind, page) in &found { (list(kind, page, &path, visit.now)) }
            }
        }
    })
}

fn list(kind: &Kind, page: &KeyPage, path: &str, now: Timestamp) -> Markup {
    html! {
        div {
            h3 { a href={ (path) "?" (kind.parameters) } { (kind.title) } }
            ul {
                @for key in &page.keys {
                    li {
                        a href={ (path) "/" (key.id.0) } { (key.name) }
                        small { ((kind.remark)(key, now)) }
                    }
                }
                @if page.next.is_some() {
                    li { small { a href={ (path) "?" (kind.parameters) } { "Show all" } } }
                }
            }
        }
    }
}
