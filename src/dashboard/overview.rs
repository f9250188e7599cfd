//! The page of an organization: counts, requests by day, and the most recently used keys. For every member.
//!
//! Reads the statistics once, as the API's operation does: 90 days, to compare the days shown with those before them. Owners
//! and admins also see [`super::attention`].

use maud::{Markup, html};
use poem::{Response, Result};

use super::{
    attention,
    chart::chart,
    day_range::DayRange,
    format::{counted, number, percent, time, unusual_status},
    layout,
    query::START,
    response::see_other,
    session::Visit,
};
use crate::{
    api::ApiError,
    model::{DailyUsage, KeyStats, RecentKey, Timestamp, UsageCounts, UserMembership},
};

/// `GET /dashboard`: redirects to the first of the user's organizations.
pub(super) async fn first(visit: Visit) -> Result<Response> {
    let membership = visit.session.memberships.first();
    let membership = membership.ok_or(ApiError::NotAMember)?;
    Ok(see_other(&format!(
        "{START}/{}",
        membership.organization.slug
    )))
}

/// `GET /dashboard/{slug}`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let slug: String = visit.path().await?;
    let membership = visit.membership(&slug)?;
    let range = DayRange::of(&visit.request);
    let organization = membership.organization_ref();
    let user = visit.session.user.clone();
    let stats = visit
        .app
        .store
        .key_stats(organization, user, visit.now, Some(DayRange::MAX));
    let stats = stats.await.map_err(ApiError::from)?;
    let attention = if membership.role.manages_keys() && stats.keys.total > 0 {
        attention::section(&visit, membership).await?
    } else {
        html! {}
    };
    let content = content(membership, &stats, range, visit.now, &attention);
    let title = membership.organization.name.as_str();
    Ok(layout::organization_page(
        &visit, membership, title, &content,
    ))
}

fn content(
    membership: &UserMembership,
    stats: &KeyStats,
    range: DayRange,
    now: Timestamp,
    attention: &Markup,
) -> Markup {
    let days = stats.daily.as_deref().unwrap_or_default();
    let (before, shown) = days.split_at(days.len().saturating_sub(range.days() as usize));
    let home = format!("{START}/{}", membership.organization.slug);
    html! {
        div.title {
            h1 { (membership.organization.name) }
            (range.links(&home))
        }
        (strip(stats, shown, before))
        section aria-labelledby="requests" {
            h2 #requests { "Requests per day" }
            @if sum(shown).total_requests() > 0 {
                (chart(shown))
            } @else {
                (no_requests(stats, range.days()))
            }
        }
        (attention)
        section aria-labelledby="recent" {
            h2 #recent { "Recently used keys" }
            @if stats.recent.is_empty() {
                (no_recent_keys(membership, stats))
            } @else {
                (recent_keys(&home, &stats.recent, now))
            }
        }
    }
}

/// The counts, each with a line that puts it into proportion.
fn strip(stats: &KeyStats, shown: &[DailyUsage], before: &[DailyUsage]) -> Markup {
    let usage = sum(shown);
    let total = usage.total_requests();
    html! {
        dl.strip {
            (figure("Requests", &number(total), &compare(shown, before)))
            (figure("Successful", &percent(usage.successful_requests, total), &counted(usage.successful_requests, "request")))
            (figure("Rate-limited", &number(usage.rate_limit_hits), &share(usage.rate_limit_hits, total)))
            (figure("Errors", &number(usage.errors), &share(usage.errors, total)))
            (figure("Active keys", &number(stats.keys.active()), &key_summary(stats)))
        }
    }
}

/// A number with its name above and a remark below.
pub(super) fn figure(name: &str, value: &str, remark: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) small { (remark) } } } }
}

/// Describes a part of all requests: `3.1 % of all requests`.
pub(super) fn share(part: i64, total: i64) -> String {
    format!("{} of all requests", percent(part, total))
}

/// Compares the days shown with as many days before them.
fn compare(shown: &[DailyUsage], before: &[DailyUsage]) -> String {
    let period = format!("in {} days", shown.len());
    let Some(start) = before.len().checked_sub(shown.len()) else {
        return period;
    };
    let earlier = sum(&before[start..]).total_requests();
    let later = sum(shown).total_requests();
    if earlier == 0 {
        return period;
    }
    match (later - earlier) * 100 / earlier {
        0 => format!("as many as the {} days before", shown.len()),
        more @ 1.. => format!(
            "{} % more than the {} days before",
            number(more),
            shown.len()
        ),
        less => format!(
            "{} % less than the {} days before",
            number(-less),
            shown.len()
        ),
    }
}

fn key_summary(stats: &KeyStats) -> String {
    let keys = stats.keys;
    let mut parts = vec![format!("{} in all", number(keys.total))];
    if keys.never_used > 0 {
        parts.push(format!("{} never used", number(keys.never_used)));
    }
    if keys.inactive > 0 {
        parts.push(format!("{} inactive", number(keys.inactive)));
    }
    parts.join(", ")
}

fn no_requests(stats: &KeyStats, days: u32) -> Markup {
    html! {
        p.empty {
            "No requests in the last " (days) " days. "
            @if stats.keys.active() > 0 {
                "A request counts here as soon as a service validates a key of this organization."
            } @else {
                "This organization has no active key."
            }
        }
    }
}

fn no_recent_keys(membership: &UserMembership, stats: &KeyStats) -> Markup {
    html! {
        @if stats.keys.total > 0 {
            p.empty { "No key was used yet." }
        } @else if membership.role.manages_keys() {
            p.empty { "This organization has no keys." }
            p { a.button.primary href={ (START) "/" (membership.organization.slug) "/keys/new" } { "Create the first key" } }
        } @else {
            p.empty { "This organization has no keys. Its owners and admins can create one." }
        }
    }
}

fn recent_keys(home: &str, keys: &[RecentKey], now: Timestamp) -> Markup {
    html! {
        table.keys {
            thead {
                tr {
                    th scope="col" { "Key" }
                    th.num scope="col" data-name="requests" { "Requests" }
                    th.num scope="col" { "Last used" }
                }
            }
            tbody {
                @for key in keys {
                    tr {
                        th scope="row" {
                            a href={ (home) "/keys/" (key.id.0) } { (key.name) } " "
                            (unusual_status(key.status))
                            code { (key.preview) }
                        }
                        td.num data-name="requests" { (number(key.total_requests)) }
                        td.num { (time(key.last_used_at, now)) }
                    }
                }
            }
        }
    }
}

fn sum(days: &[DailyUsage]) -> UsageCounts {
    let mut sum = UsageCounts::default();
    for day in days {
        sum.successful_requests += day.usage.successful_requests;
        sum.rate_limit_hits += day.usage.rate_limit_hits;
        sum.errors += day.usage.errors;
    }
    sum
}
