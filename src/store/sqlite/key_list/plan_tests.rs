//! The query plan of every statement of a list: which index, and whether the keys are sorted.
//!
//! A statement names its index, so its plan is the same for any data.

use rusqlite::Connection;
use uuid::Uuid;

use super::{parts, statement};
use crate::{
    model::{
        Choice, Direction, FilterText, KeyFilter, KeyOrder, KeyQuery, KeySort, KeyStatus, KeyUsage,
        OrganizationId, Timestamp, UserId,
    },
    store::sqlite::query_plan_tests::{in_memory, plan},
};

/// The plan of each part of the list, without the steps of subqueries.
fn plans(conn: &Connection, query: &KeyQuery) -> Vec<Vec<String>> {
    let now = Timestamp::from_millis(0);
    let organization = OrganizationId(Uuid::nil());
    let parts = parts(query).iter();
    let plans = parts.map(|part| {
        let statement = statement(organization, query, *part, None, 1, now);
        let mut steps = plan(conn, &statement.sql);
        steps.retain(|step| step != "CORRELATED SCALAR SUBQUERY 1");
        steps.retain(|step| step != "SEARCH retiring_secrets USING PRIMARY KEY (key_id=?)");
        steps
    });
    plans.collect()
}

fn sorted(sort: KeySort, direction: Direction, filter: KeyFilter) -> KeyQuery {
    KeyQuery {
        filter,
        order: KeyOrder { sort, direction },
    }
}

fn status(status: KeyStatus) -> KeyFilter {
    KeyFilter {
        status: Some(status),
        ..KeyFilter::default()
    }
}

fn usage(usage: KeyUsage) -> KeyFilter {
    KeyFilter {
        usage: Some(usage),
        ..KeyFilter::default()
    }
}

fn expiring() -> KeyFilter {
    KeyFilter {
        expires_within_days: Some(14),
        ..KeyFilter::default()
    }
}

#[test]
fn each_filter_alone_is_a_range_of_an_index_in_the_order_of_the_list() {
    use KeySort::{CreatedAt, ExpiresAt, LastUsedAt};
    let conn = in_memory();
    let creation = "(created_at,id)>(?,?)";
    let last_use = "(last_used_at,created_at,id)>(?,?,?)";
    let expiry = "(expires_at,created_at,id)>(?,?,?)";
    for (sort, filter, index, range) in [
        (CreatedAt, KeyFilter::default(), "by_creation", creation),
        (LastUsedAt, KeyFilter::default(), "by_last_use", last_use),
        (ExpiresAt, KeyFilter::default(), "by_expiry", expiry),
        (
            CreatedAt,
            status(KeyStatus::Active),
            "enabled_by_creation",
            creation,
        ),
        (
            CreatedAt,
            status(KeyStatus::Disabled),
            "disabled_by_creation",
            creation,
        ),
        (
            CreatedAt,
            status(KeyStatus::Revoked),
            "revoked_by_creation",
            creation,
        ),
        (
            CreatedAt,
            status(KeyStatus::Expired),
            "expiring_by_creation",
            creation,
        ),
        (
            LastUsedAt,
            usage(KeyUsage::Inactive),
            "enabled_by_last_use",
            last_use,
        ),
        (
            LastUsedAt,
            usage(KeyUsage::AfterRevocation),
            "used_after_revocation",
            last_use,
        ),
        (ExpiresAt, expiring(), "expiring", expiry),
    ] {
        for direction in Direction::ALL {
            let is_descending = *direction == Direction::Descending;
            let range = if is_descending {
                range.replace('>', "<")
            } else {
                range.to_owned()
            };
            // The bound at the other end of the range.
            let bound = match (sort, is_descending) {
                (LastUsedAt, false) if filter.usage == Some(KeyUsage::Inactive) => {
                    " AND last_used_at<?"
                }
                (ExpiresAt, false) if filter != KeyFilter::default() => " AND expires_at<?",
                (ExpiresAt, true) if filter != KeyFilter::default() => "expires_at>? AND ",
                _ => "",
            };
            let range = if is_descending {
                format!("{bound}{range}")
            } else {
                format!("{range}{bound}")
            };
            let query = sorted(sort, *direction, filter.clone());
            let expected =
                format!("SEARCH k USING INDEX api_keys_{index} (organization_id=? AND {range})");
            assert_eq!(plans(&conn, &query)[0], [expected], "{query:?}");
        }
    }
}

#[test]
fn keys_without_the_value_are_a_range_of_the_same_index() {
    let conn = in_memory();
    for (sort, column, index) in [
        (KeySort::LastUsedAt, "last_used_at", "by_last_use"),
        (KeySort::ExpiresAt, "expires_at", "by_expiry"),
    ] {
        let query = sorted(sort, Direction::Descending, KeyFilter::default());
        let expected = format!(
            "SEARCH k USING INDEX api_keys_{index} (organization_id=? AND {column}=? AND (created_at,id)<(?,?))"
        );
        assert_eq!(plans(&conn, &query)[1], [expected]);
    }
    for sort in [KeySort::LastUsedAt, KeySort::CreatedAt] {
        let query = sorted(sort, Direction::Ascending, usage(KeyUsage::Never));
        let expected = "SEARCH k USING INDEX api_keys_enabled_by_last_use (organization_id=? AND last_used_at=? AND (created_at,id)>(?,?))";
        assert_eq!(plans(&conn, &query), [[expected]]);
    }
}

#[test]
fn all_keys_by_rate_limit_hits_are_a_range_of_the_rate_limited_ones_and_one_of_the_others() {
    let conn = in_memory();
    let by_hits = |range| {
        vec![format!(
            "SEARCH k USING INDEX api_keys_rate_limited (organization_id=? AND {range}(?,?,?))"
        )]
    };
    let descending = by_hits("(rate_limit_hits,created_at,id)<");
    let ascending = by_hits("(rate_limit_hits,created_at,id)>");
    let by_creation = |sign| {
        vec![format!(
            "SEARCH k USING INDEX api_keys_by_creation (organization_id=? AND (created_at,id){sign}(?,?))"
        )]
    };
    for (direction, expected) in [
        (Direction::Descending, [descending, by_creation('<')]),
        (Direction::Ascending, [by_creation('>'), ascending]),
    ] {
        let query = sorted(KeySort::RateLimitHits, direction, KeyFilter::default());
        assert_eq!(plans(&conn, &query), expected);
    }
}

/// Every combination of filters.
fn filters() -> Vec<KeyFilter> {
    fn optional<T: Copy>(all: &[T]) -> Vec<Option<T>> {
        let all = all.iter().copied().map(Some);
        all.chain([None]).collect()
    }
    let text = |given| FilterText::new("x").filter(|_| given);
    let mut filters = Vec::new();
    for status in optional(KeyStatus::ALL) {
        for usage in optional(KeyUsage::ALL) {
            for others in 0..16 {
                let given = |bit: u32| others & (1 << bit) != 0;
                filters.push(KeyFilter {
                    status,
                    usage,
                    expires_within_days: given(0).then_some(14),
                    created_by: UserId::new("x").filter(|_| given(1)),
                    external_id: text(given(2)),
                    search: text(given(3)),
                });
            }
        }
    }
    filters
}

/// Whether the keys of an index are sorted, because they are expected to be few or the value has no index.
fn is_sorted(query: &KeyQuery) -> bool {
    let KeyQuery { filter, order } = query;
    let usage = filter.usage;
    match order.sort {
        KeySort::CreatedAt if filter.external_id.is_some() => false,
        KeySort::CreatedAt => {
            filter.expires_within_days.is_some() || usage == Some(KeyUsage::AfterRevocation)
        }
        // No value at all: the keys are in the order of creation.
        KeySort::LastUsedAt if usage == Some(KeyUsage::Never) => false,
        KeySort::LastUsedAt | KeySort::ExpiresAt => filter.external_id.is_some(),
        KeySort::TotalRequests => true,
        KeySort::RateLimitHits => {
            let is_narrowed = filter.expires_within_days.is_some() || filter.external_id.is_some();
            filter.status.is_some() || usage.is_some() || is_narrowed
        }
    }
}

#[test]
fn every_combination_searches_an_index_of_one_organization() {
    let conn = in_memory();
    for filter in filters() {
        for sort in KeySort::ALL {
            for direction in Direction::ALL {
                let query = sorted(*sort, *direction, filter.clone());
                for steps in plans(&conn, &query) {
                    let context = || format!("{query:?}: {steps:#?}");
                    let range = steps[0].strip_prefix("SEARCH k USING INDEX api_keys_");
                    let range = range.unwrap_or_else(|| panic!("{}", context()));
                    assert!(range.contains("(organization_id=?"), "{}", context());
                    let sort = &steps[1..];
                    if !is_sorted(&query) {
                        assert!(sort.is_empty(), "{}", context());
                    }
                    assert!(
                        sort.iter().all(|step| step.contains("ORDER BY")),
                        "{}",
                        context()
                    );
                }
            }
        }
    }
}
