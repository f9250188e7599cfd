//! The query plan of every statement: an index for each, no scan of a table, no sort in memory.
//!
//! Left out are the statements of lists of keys, which [`super::key_list`] tests, those of [`super::verify`] and two of
//! [`super::restore`], which read everything, and five more. `organizations::ANY` reads
//! any one row. `organizations::ORGANIZATIONS`, `stats::STATUS_COUNTS`, `key_counts::OUTDATED` and `doctor::content::LATEST`
//! read all organizations; each has a test of its own.

use rusqlite::Connection;

use super::{
    access, audit, commit_mark, forms, key_counts, key_days, key_lifecycle, key_set, key_update,
    keys, members, organizations, quota, rate_slots, restore, retention, schema, sessions, stats,
    usage, usage_imports,
};

const STATEMENTS: &[(&str, &str)] = &[
    (
        "access::ORGANIZATION_AND_ROLE",
        access::ORGANIZATION_AND_ROLE,
    ),
    ("commit_mark::ADVANCE", commit_mark::ADVANCE),
    ("commit_mark::MARK", commit_mark::MARK),
    ("audit::INSERT", audit::INSERT),
    ("audit::PAGE", audit::PAGE),
    ("audit::PAGE_OF_KEY", audit::PAGE_OF_KEY),
    ("usage_imports::FIND", usage_imports::FIND),
    ("usage_imports::INSERT", usage_imports::INSERT),
    ("key_lifecycle::INSERT", key_lifecycle::INSERT),
    ("key_lifecycle::NEWEST_ID", key_lifecycle::NEWEST_ID),
    ("key_lifecycle::SET_NEWEST_ID", key_lifecycle::SET_NEWEST_ID),
    ("key_counts::COUNTED_AT", key_counts::COUNTED_AT),
    ("key_counts::ADD", key_counts::ADD),
    ("key_counts::EXPIRED", key_counts::EXPIRED),
    ("key_counts::IDLE", key_counts::IDLE),
    ("key_counts::PORTION_END", key_counts::PORTION_END),
    (
        "key_counts::PORTION_END_BACKWARD",
        key_counts::PORTION_END_BACKWARD,
    ),
    ("key_lifecycle::RETIRE_SECRET", key_lifecycle::RETIRE_SECRET),
    (
        "key_lifecycle::END_PREVIOUS_SECRET",
        key_lifecycle::END_PREVIOUS_SECRET,
    ),
    (
        "key_lifecycle::REPLACE_SECRET",
        key_lifecycle::REPLACE_SECRET,
    ),
    ("key_lifecycle::REVOKE", key_lifecycle::REVOKE),
    ("key_set::SET", key_set::SET),
    ("key_set::OF_URL", key_set::OF_URL),
    ("key_update::UPDATE", key_update::UPDATE),
    ("keys::KEY", keys::KEY),
    ("keys::BY_ID", keys::BY_ID),
    ("keys::EXISTS", keys::EXISTS),
    ("keys::BY_SECRET", keys::BY_SECRET),
    ("members::INSERT", members::INSERT),
    ("members::MEMBER", members::MEMBER),
    ("members::MEMBERS", members::MEMBERS),
    ("members::MEMBERSHIPS", members::MEMBERSHIPS),
    ("members::CHANGE_ROLE", members::CHANGE_ROLE),
    ("members::DELETE", members::DELETE),
    ("members::OTHER_OWNER", members::OTHER_OWNER),
    (
        "members::ACTIVE_KEYS_CREATED_BY",
        members::ACTIVE_KEYS_CREATED_BY,
    ),
    ("organizations::INSERT", organizations::INSERT),
    ("organizations::INSERT_TOTALS", organizations::INSERT_TOTALS),
    ("organizations::RENAME", organizations::RENAME),
    ("organizations::ORGANIZATION", organizations::ORGANIZATION),
    ("rate_slots::ADD", rate_slots::ADD),
    ("rate_slots::DELETE_EXPIRED", rate_slots::DELETE_EXPIRED),
    ("rate_slots::DELETE_ALL", rate_slots::DELETE_ALL),
    ("rate_slots::SET_LIMIT", rate_slots::SET_LIMIT),
    ("rate_slots::CLAMP_TO_NOW", rate_slots::CLAMP_TO_NOW),
    ("rate_slots::SINCE", rate_slots::SINCE),
    ("schema::SIGNING_SECRET", schema::SIGNING_SECRET),
    ("forms::FIND", forms::FIND),
    ("forms::INSERT", forms::INSERT),
    ("forms::DELETE_FORGOTTEN", forms::DELETE_FORGOTTEN),
    ("sessions::HAS_MEMBERSHIP", sessions::HAS_MEMBERSHIP),
    ("sessions::INSERT_CODE", sessions::INSERT_CODE),
    (
        "sessions::DELETE_EXPIRED_CODES",
        sessions::DELETE_EXPIRED_CODES,
    ),
    ("sessions::CODE", sessions::CODE),
    ("sessions::DELETE_USED_CODE", sessions::DELETE_USED_CODE),
    ("sessions::INSERT", sessions::INSERT),
    ("sessions::DELETE_EXPIRED", sessions::DELETE_EXPIRED),
    ("sessions::DELETE", sessions::DELETE),
    (
        "sessions::DELETE_WITHOUT_MEMBERSHIP",
        sessions::DELETE_WITHOUT_MEMBERSHIP,
    ),
    ("sessions::SESSION", sessions::SESSION),
    ("sessions::SET_PUBLIC_URL", sessions::SET_PUBLIC_URL),
    ("sessions::PUBLIC_URL", sessions::PUBLIC_URL),
    ("stats::SUMMARY", stats::SUMMARY),
    ("stats::BY_LAST_USE", stats::BY_LAST_USE),
    ("stats::RECENT_KEY", stats::RECENT_KEY),
    ("key_days::ADD", key_days::ADD),
    ("key_days::ON_DAY", key_days::ON_DAY),
    ("key_days::SUCCESSES_IN_MONTH", key_days::SUCCESSES_IN_MONTH),
    ("key_days::BY_KEY", key_days::BY_KEY),
    ("quota::QUOTA", quota::QUOTA),
    ("stats::DAILY", stats::DAILY),
    ("restore::ENTRIES_AFTER", restore::ENTRIES_AFTER),
    ("restore::CHANGED_KEYS", restore::CHANGED_KEYS),
    ("restore::CHANGED_MEMBERS", restore::CHANGED_MEMBERS),
    ("restore::SECRETS", restore::SECRETS),
    ("restore::RETIRE", restore::RETIRE),
    ("retention::ANY_BEFORE", retention::ANY_BEFORE),
    ("retention::FIRST_KEPT", retention::FIRST_KEPT),
    ("retention::DELETE_BEFORE", retention::DELETE_BEFORE),
    ("usage::KEY_STATE", usage::KEY_STATE),
    ("usage::ADD_TO_KEY", usage::ADD_TO_KEY),
    ("usage::ADD_TO_ORGANIZATION", usage::ADD_TO_ORGANIZATION),
    ("usage::ADD_TO_DAY", usage::ADD_TO_DAY),
];

/// A database with the current schema and nothing else.
pub(super) fn in_memory() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    schema::migrate(&mut conn, "test".as_ref(), &[7; 32]).unwrap();
    conn
}

pub(super) fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap()
        .raw_query_plan()
}

trait RawQueryPlan {
    fn raw_query_plan(self) -> Vec<String>;
}

impl RawQueryPlan for rusqlite::Statement<'_> {
    /// Parameters stay unbound: the plan does not depend on them.
    fn raw_query_plan(mut self) -> Vec<String> {
        let mut rows = self.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get("detail").unwrap());
        }
        steps
    }
}

#[test]
fn every_statement_uses_an_index() {
    let conn = in_memory();
    for (name, sql) in STATEMENTS {
        for step in plan(&conn, sql) {
            let no_table = step == "SCAN CONSTANT ROW" || step.starts_with("SCAN (subquery");
            assert!(no_table || !step.starts_with("SCAN"), "{name}: {step}");
            assert!(!step.contains("TEMP B-TREE"), "{name}: {step}");
        }
    }
}

#[test]
fn differences_of_counts_are_ranges_of_indexes() {
    let conn = in_memory();
    for (sql, search) in [
        (
            key_counts::EXPIRED,
            "SEARCH api_keys USING INDEX api_keys_expiring (organization_id=? AND expires_at>? AND expires_at<?)",
        ),
        (
            key_counts::IDLE,
            "SEARCH api_keys USING COVERING INDEX api_keys_enabled_by_last_use (organization_id=? AND last_used_at>? AND last_used_at<?)",
        ),
    ] {
        let steps = plan(&conn, sql);
        let expected = ["CO-ROUTINE (subquery-1)", search, "SCAN (subquery-1)"];
        assert_eq!(steps, expected);
    }
}

#[test]
fn most_recently_used_keys_are_read_from_an_index() {
    let conn = in_memory();
    assert_eq!(
        plan(&conn, stats::BY_LAST_USE),
        [
            "SEARCH api_keys USING COVERING INDEX api_keys_by_last_use (organization_id=? AND last_used_at>?)"
        ]
    );
}

#[test]
fn outdated_counts_are_found_by_ranges_of_indexes() {
    let conn = in_memory();
    assert_eq!(
        plan(&conn, key_counts::OUTDATED),
        [
            "SCAN t",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH k USING COVERING INDEX api_keys_expiring (organization_id=? AND expires_at>? AND expires_at<?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH k USING COVERING INDEX api_keys_enabled_by_last_use (organization_id=? AND last_used_at>? AND last_used_at<?)",
        ]
    );
}

#[test]
fn page_of_the_audit_log_is_a_range_of_an_index() {
    let conn = in_memory();
    assert_eq!(
        plan(&conn, audit::PAGE),
        [
            "SEARCH audit_log USING INDEX audit_log_by_time (organization_id=? AND created_at>? AND created_at<?)"
        ]
    );
    assert_eq!(
        plan(&conn, audit::PAGE_OF_KEY)[0],
        "SEARCH audit_log USING INDEX audit_log_by_key (key_id=? AND created_at>? AND created_at<?)"
    );
}

#[test]
fn organizations_are_listed_in_the_order_of_an_index() {
    let conn = in_memory();
    let steps = plan(&conn, organizations::ORGANIZATIONS);
    assert!(steps[0].contains("USING INDEX"), "{steps:?}");
    assert_eq!(steps.len(), 1, "{steps:?}");
}

#[test]
fn status_counts_scan_the_organizations_and_not_their_keys() {
    let conn = in_memory();
    let search = "SEARCH k USING COVERING INDEX api_keys_expiring (organization_id=? AND expires_at>? AND expires_at<?)";
    assert_eq!(
        plan(&conn, stats::STATUS_COUNTS),
        [
            "SCAN t",
            "CORRELATED SCALAR SUBQUERY 1",
            search,
            "CORRELATED SCALAR SUBQUERY 2",
            search,
        ]
    );
}
