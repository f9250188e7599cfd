//! The keys of an organization that need a person, for owners and admins: the first few of each kind, and a link to all.
//!
//! Called by [`super::overview`]. Each kind is one page of the list of keys, read with the query that its link opens, so that
//! the two always show the same keys.

use maud::{Markup, html};
use poem::Result;

use super::{
    format::{counted, relative},
    key_query::Parameters,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{
        ApiKey, Choice, Direction, KeyPage, KeyPageRequest, KeySort, KeyUsage, Timestamp,
        UserMembership,
    },
};

/// The number of keys of each kind that are shown.
const SHOWN: u32 = 3;

/// Keys that expire within so many days need attention.
const EXPIRY_DAYS: u32 = 14;

/// A kind of keys: its title, the parameters of the list of all of them, and a remark on one key.
struct Kind {
    title: &'static str,
    parameters: Parameters,
    remark: fn(&ApiKey, Timestamp) -> String,
}

fn kinds() -> [Kind; 5] {
    use Direction::{Ascending, Descending};
    let used = |usage: KeyUsage, direction| {
        Parameters {
            usage: usage.name().to_owned(),
            ..Parameters::default()
        }
        .sorted(KeySort::LastUsedAt, direction)
    };
    [
        Kind {
            title: "Expiring within 14 days",
            parameters: Parameters {
                expires_within_days: EXPIRY_DAYS.to_string(),
                ..Parameters::default()
            }
            .sorted(KeySort::ExpiresAt, Ascending),
            remark: expiring,
        },
        Kind {
            title: "Revoked but still called",
            parameters: used(KeyUsage::AfterRevocation, Descending),
            remark: still_called,
        },
        Kind {
            title: "Inactive",
            parameters: used(KeyUsage::Inactive, Ascending),
            remark: last_used,
        },
        Kind {
            title: "Never used",
            parameters: used(KeyUsage::Never, Descending),
            remark: |key, now| format!("created {}", relative(key.created_at, now)),
        },
        Kind {
            title: "Most rate-limited",
            parameters: Parameters::default().sorted(KeySort::RateLimitHits, Descending),
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
        let query = kind.parameters.query()?;
        let sort = query.order.sort;
        let request = KeyPageRequest {
            query,
            after: None,
            limit: SHOWN,
            days: None,
        };
        let organization = membership.organization_ref();
        let by = visit.actor();
        let page = visit.app.store.keys(organization, by, request, visit.now);
        let mut page = page.await.map_err(ApiError::from)?;
        if sort == KeySort::RateLimitHits {
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
            h3 { a href={ (path) (kind.parameters.to_query()) } { (kind.title) } }
            ul {
                @for key in &page.keys {
                    li {
                        a href={ (path) "/" (key.id.0) } { (key.name) }
                        small { ((kind.remark)(key, now)) }
                    }
                }
                @if page.next.is_some() {
                    li { small { a href={ (path) (kind.parameters.to_query()) } { "Show all" } } }
                }
            }
        }
    }
}
