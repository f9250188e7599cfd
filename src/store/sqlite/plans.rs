//! Every statement against its query plan: an index for each, no scan of a table, no sort in memory.
//!
//! Three are left out. `organizations::ANY` reads any one row. `organizations::ORGANIZATIONS` lists all organizations,
//! and `stats::STATUS_COUNTS` counts the keys of all organizations; each has a test of its own.

use rusqlite::Connection;

use super::{
    access, audit, batches, key_life, keys, members, organizations, rate, schema, stats, usage,
};

const STATEMENTS: [(&str, &str); 38] = [
    (
        "access::ORGANIZATION_AND_ROLE",
        access::ORGANIZATION_AND_ROLE,
    ),
    ("audit::INSERT", audit::INSERT),
    ("audit::SINCE", audit::SINCE),
    ("batches::FIND", batches::FIND),
    ("batches::INSERT", batches::INSERT),
    ("key_life::INSERT", key_life::INSERT),
    ("key_life::NEWEST_ID", key_life::NEWEST_ID),
    ("key_life::SET_NEWEST_ID", key_life::SET_NEWEST_ID),
    ("key_life::COUNT_INSERTED", key_life::COUNT_INSERTED),
    ("key_life::RETIRE_SECRET", key_life::RETIRE_SECRET),
    (
        "key_life::END_PREVIOUS_SECRET",
        key_life::END_PREVIOUS_SECRET,
    ),
    ("key_life::REPLACE_SECRET", key_life::REPLACE_SECRET),
    ("key_life::REVOKE", key_life::REVOKE),
    ("key_life::COUNT_REVOKED", key_life::COUNT_REVOKED),
    ("keys::KEY", keys::KEY),
    ("keys::BY_ID", keys::BY_ID),
    ("keys::EXISTS", keys::EXISTS),
    ("keys::BY_SECRET", keys::BY_SECRET),
    ("keys::PAGE", keys::PAGE),
    ("members::INSERT", members::INSERT),
    ("members::MEMBER", members::MEMBER),
    ("members::MEMBERS", members::MEMBERS),
    ("members::CHANGE_ROLE", members::CHANGE_ROLE),
    ("members::DELETE", members::DELETE),
    ("organizations::INSERT", organizations::INSERT),
    ("organizations::INSERT_TOTALS", organizations::INSERT_TOTALS),
    ("organizations::ORGANIZATION", organizations::ORGANIZATION),
    ("rate::ADD", rate::ADD),
    ("rate::FORGET", rate::FORGET),
    ("rate::SET_BACK", rate::SET_BACK),
    ("rate::SINCE", rate::SINCE),
    ("schema::SIGNING_SECRET", schema::SIGNING_SECRET),
    ("stats::SUMMARY", stats::SUMMARY),
    ("stats::RECENT", stats::RECENT),
    ("stats::DAILY", stats::DAILY),
    ("usage::ADD_TO_KEY", usage::ADD_TO_KEY),
    ("usage::ADD_TO_TOTALS", usage::ADD_TO_TOTALS),
    ("usage::ADD_TO_DAY", usage::ADD_TO_DAY),
];

/// A database with the current schema and nothing else.
pub(super) fn in_memory() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    schema::bring_up_to_date(&mut conn, "test".as_ref(), &[7; 32]).unwrap();
    conn
}

fn plan(conn: &Connection, sql: &str) -> Vec<String> {
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
fn every_statement_finds_its_rows_by_an_index() {
    let conn = in_memory();
    for (name, sql) in STATEMENTS {
        for step in plan(&conn, sql) {
            let constant = step == "SCAN CONSTANT ROW";
            assert!(constant || !step.starts_with("SCAN"), "{name}: {step}");
            assert!(!step.contains("TEMP B-TREE"), "{name}: {step}");
        }
    }
}

#[test]
fn range_counts_never_touch_the_table() {
    let conn = in_memory();
    let steps = plan(&conn, stats::SUMMARY);
    let counts: Vec<&String> = steps
        .iter()
        .filter(|step| step.starts_with("SEARCH k "))
        .collect();
    assert_eq!(counts.len(), 3, "{steps:#?}");
    for step in counts {
        assert!(step.contains("USING COVERING INDEX"), "{step}");
    }
}

#[test]
fn a_page_of_keys_is_a_range_of_an_index() {
    let conn = in_memory();
    assert_eq!(
        plan(&conn, keys::PAGE),
        [
            "SEARCH k USING INDEX api_keys_by_creation (organization_id=? AND (created_at,id)<(?,?))",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH retiring_secrets USING PRIMARY KEY (key_id=?)",
        ]
    );
}

#[test]
fn all_organizations_are_listed_in_the_order_of_an_index() {
    let conn = in_memory();
    let steps = plan(&conn, organizations::ORGANIZATIONS);
    assert!(steps[0].contains("USING INDEX"), "{steps:?}");
    assert_eq!(steps.len(), 1, "{steps:?}");
}

#[test]
fn status_counts_scan_the_organizations_and_not_their_keys() {
    let conn = in_memory();
    let steps = plan(&conn, stats::STATUS_COUNTS);
    assert_eq!(
        steps,
        [
            "SCAN t",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH k USING COVERING INDEX api_keys_by_expiry (organization_id=? AND expires_at<?)",
        ]
    );
}
