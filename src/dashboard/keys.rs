//! The list of an organization's keys: filters, search and order in the URL. For owners and admins.
//!
//! The parameters are those of the API's list, so that a URL can be kept and shared.

use maud::{Markup, html};
use poem::{Response, Result};

use super::{
    chart::line,
    format::{number, time, unusual_status},
    key_query::{Parameters, SORTS},
    layout, query,
    session::Visit,
};
use crate::{
    api::{ApiError, capitalized},
    model::{
        ApiKey, Choice, Direction, KeyPage, KeyPageRequest, KeyQuery, KeySort, KeyStatus, KeyUsage,
        Timestamp, UserMembership,
    },
};

/// The number of keys on a page.
const PAGE: u32 = 50;

/// The days of the line beside each key.
const DAYS: u32 = 30;

/// `GET /dashboard/{slug}/keys`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let slug: String = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let parameters: Parameters = query::parse(&visit.request);
    let query = parameters.query()?;
    let request = KeyPageRequest {
        after: parameters.cursor(&query)?,
        query: query.clone(),
        limit: PAGE,
        days: Some(DAYS),
    };
    let organization = membership.organization_ref();
    let by = visit.actor();
    let page = visit.app.store.keys(organization, by, request, visit.now);
    let page = page.await.map_err(ApiError::from)?;
    let list = List {
        path: Visit::keys_path(&slug),
        parameters,
        query,
        now: visit.now,
    };
    let content = list.content(membership, &page);
    Ok(layout::organization_page(
        &visit, membership, "Keys", &content,
    ))
}

struct List {
    path: String,
    parameters: Parameters,
    query: KeyQuery,
    now: Timestamp,
}

impl List {
    fn content(&self, membership: &UserMembership, page: &KeyPage) -> Markup {
        let is_filtered = self.query.filter != KeyQuery::default().filter;
        html! {
            div.title {
                h1 { "Keys" }
                a.button.primary href={ (self.path) "/new" } { "New key" }
            }
            section aria-label="Keys" {
                (self.filters())
                (self.chips())
                @if !page.keys.is_empty() {
                    (self.table(&page.keys))
                    (self.pages(page))
                } @else if is_filtered {
                    p.empty { "No key matches. " a href=(self.path) { "Show all keys" } }
                } @else {
                    p.empty {
                        (membership.organization.name) " has no keys. " a href={ (self.path) "/new" } { "Create the first one" }
                    }
                }
            }
        }
    }

    fn filters(&self) -> Markup {
        let parameters = &self.parameters;
        let usages = [
            (KeyUsage::Never, "Never used"),
            (KeyUsage::Inactive, "Not used for 30 days"),
            (KeyUsage::AfterRevocation, "Revoked, still called"),
        ];
        html! {
            form.filters method="get" role="search" {
                input type="search" name="search" value=(parameters.search) placeholder="Name or description" aria-label="Search by name or description";
                select name="status" aria-label="Status" {
                    option value="" { "Any status" }
                    @for status in KeyStatus::ALL {
                        option value=(status.name()) selected[parameters.status == status.name()] { (capitalized(status.name())) }
                    }
                }
                select name="usage" aria-label="Use" {
                    option value="" { "Any use" }
                    @for (usage, words) in usages {
                        option value=(usage.name()) selected[parameters.usage == usage.name()] { (words) }
                    }
                }
                @for (name, value) in parameters.without_own_fields() {
                    input type="hidden" name=(name) value=(value);
                }
                button type="submit" { "Filter" }
            }
        }
    }

    /// The filters that have no field, each with a link that removes it.
    fn chips(&self) -> Markup {
        let chips = self.parameters.chips();
        html! {
            @if !chips.is_empty() {
                ul.chips aria-label="Further filters" {
                    @for (words, without) in chips {
                        li {
                            a href={ (self.path) (without.to_query()) } title="Remove this filter" {
                                (words) " " span aria-hidden="true" { "×" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn table(&self, keys: &[ApiKey]) -> Markup {
        html! {
            table.keys {
                thead {
                    tr {
                        (self.column("Key", KeySort::CreatedAt, false))
                        th scope="col" data-name="line" { (DAYS) " days" }
                        @for (sort, words) in SORTS { (self.column(words, sort, true)) }
                    }
                }
                tbody { @for key in keys { (self.row(key)) } }
            }
        }
    }

    /// A heading that sorts by its column, or reverses the order.
    fn column(&self, words: &str, sort: KeySort, is_number: bool) -> Markup {
        let order = self.query.order;
        let is_sorted = order.sort == sort;
        let (aria, next) = match order.direction {
            Direction::Descending if is_sorted => (Some("descending"), Direction::Ascending),
            Direction::Ascending if is_sorted => (Some("ascending"), Direction::Descending),
            _ if sort == KeySort::ExpiresAt => (None, Direction::Ascending),
            _ => (None, Direction::Descending),
        };
        let href = format!(
            "{}{}",
            self.path,
            self.parameters.sorted(sort, next).to_query()
        );
        html! {
            th scope="col" class=[is_number.then_some("num")] aria-sort=[aria] data-name=(sort.name()) {
                a href=(href) { (words) }
            }
        }
    }

    fn row(&self, key: &ApiKey) -> Markup {
        let optional = |at: Option<Timestamp>| {
            let never = || html! { span.soft { "never" } };
            at.map_or_else(never, |at| time(at, self.now))
        };
        html! {
            tr {
                th scope="row" {
                    a href={ (self.path) "/" (key.id.0) } { (key.name) } " "
                    (unusual_status(key.status(self.now)))
                    code { (key.preview) }
                }
                td data-name="line" { (line(key.daily.as_deref().unwrap_or_default())) }
                td.num data-name="totalRequests" { (number(key.usage.total_requests())) }
                td.num data-name="rateLimitHits" { (number(key.usage.rate_limit_hits)) }
                td.num data-name="expiresAt" { (optional(key.expires_at)) }
                td.num data-name="lastUsedAt" { (optional(key.last_used_at)) }
            }
        }
    }

    fn pages(&self, page: &KeyPage) -> Markup {
        let is_first = self.parameters.cursor.is_empty();
        let href = |parameters: &Parameters| format!("{}{}", self.path, parameters.to_query());
        html! {
            @if page.next.is_some() || !is_first {
                nav.pages aria-label="Pages" {
                    @if !is_first { a href=(href(&self.parameters.first_page())) { "First page" } }
                    @if let Some(next) = page.next { a rel="next" href=(href(&self.parameters.at(next))) { "Next page" } }
                }
            }
        }
    }
}
