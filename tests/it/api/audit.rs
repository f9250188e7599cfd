//! The audit log over HTTP: its entries, order, pages and filters, and the roles that may read it.

use proptest::{collection::vec, option, prelude::*};
use rusqlite::params;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{
    ACME, ANA, BETO, CARLA, DIEGO, EVA, GLOBEX, GLOBEX_WEBSITE, NOW, PRODUCTION, TestApp, body,
    key_path, later, message,
};

/// The path of an organization's audit log.
fn audit_path(organization: &str) -> String {
    key_path(organization, "audit")
}

/// Every page of Acme Corp's log, `limit` entries each. `query` begins with `&` unless it is empty.
async fn walk(app: &TestApp, limit: usize, query: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{}?limit={limit}{query}{cursor}", audit_path(ACME));
        let page = app.json(ANA, &path).await;
        let items = page["items"].as_array().unwrap();
        entries.extend(items.iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => {
                assert_eq!(items.len(), limit, "{path}");
                cursor = format!("&cursor={next}");
            }
            None => return entries,
        }
    }
}

#[tokio::test]
async fn audit_tells_each_change_with_all_fields_newest_first() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({ "name": "First" })).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    app.set_clock(later(1));
    body(app.delete(BETO, &path).await, 200).await;
    let page = app.json(ANA, &audit_path("acme-corp")).await;
    let entry = |at: i64, user: &str, action: &str| {
        json!({
            "at": later(at).to_string(),
            "actor": { "type": "user", "id": user },
            "action": action,
            "keyId": key["id"],
            "keyName": "First",
            "memberId": null,
            "role": null,
            "changes": null,
        })
    };
    let items = [entry(1, BETO, "key.revoked"), entry(0, ANA, "key.created")];
    assert_eq!(page, json!({ "items": items, "nextCursor": null }));
    let text = app.get(ANA, &audit_path(ACME)).await.text().await.unwrap();
    let fields = [
        "at", "actor", "action", "keyId", "keyName", "memberId", "role", "changes",
    ];
    let positions = fields.map(|field| text.find(&format!("\"{field}\":")).unwrap());
    assert!(positions.is_sorted(), "{text}");
}

#[tokio::test]
async fn audit_tells_changes_from_the_command_line_and_of_settings() {
    let app = TestApp::demo().await;
    let changes = json!({ "name": { "from": "Acme", "to": "Acme Corp" } });
    let conn = app.other_connection();
    for (member, role, action, changes) in [
        (Some(EVA), Some("admin"), "member.removed", None),
        (None, None, "org.renamed", Some(changes.to_string())),
    ] {
        conn.execute(
            "INSERT INTO audit_log (organization_id, created_at, action, member_id, role, changes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![ACME, NOW.as_millis(), action, member, role, changes],
        )
        .unwrap();
    }
    let page = app.json(ANA, &audit_path(ACME)).await;
    let [renamed, removed] = [0, 1].map(|at| page["items"][at].clone());
    assert_eq!(renamed["actor"], json!({ "type": "cli" }));
    assert_eq!(renamed["changes"], changes);
    assert_eq!(removed["memberId"], EVA);
    assert_eq!(removed["role"], "admin");
    assert_eq!(removed["keyId"], Value::Null);
}

#[tokio::test]
async fn audit_is_for_owners_and_admins() {
    let app = TestApp::demo().await;
    for user in [ANA, BETO] {
        app.json(user, &audit_path(ACME)).await;
    }
    let role_too_low = "Access denied. Owner or admin role required.";
    let not_a_member = "Access denied. User is not a member of this organization.";
    for (user, organization, expected) in [
        (CARLA, ACME, role_too_low),
        (DIEGO, ACME, not_a_member),
        (EVA, "acme-corp", not_a_member),
        (ANA, "no-such-organization", not_a_member),
        (ANA, GLOBEX, not_a_member),
    ] {
        let refused = app.get(user, &audit_path(organization)).await;
        assert_eq!(message(refused, 403).await, expected, "{user}");
    }
}

#[tokio::test]
async fn audit_of_an_unknown_or_foreign_key_has_no_items() {
    let app = TestApp::demo().await;
    body(
        app.delete(DIEGO, &key_path(GLOBEX, GLOBEX_WEBSITE)).await,
        200,
    )
    .await;
    let nothing = json!({ "items": [], "nextCursor": null });
    for key in [
        GLOBEX_WEBSITE,
        PRODUCTION,
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-4fff-8fff-ffffffffffff",
    ] {
        let path = format!("{}?keyId={key}", audit_path(ACME));
        assert_eq!(app.json(ANA, &path).await, nothing, "{key}");
    }
    let upper_case = GLOBEX_WEBSITE.to_uppercase();
    let own = format!("{}?keyId={upper_case}", audit_path(GLOBEX));
    let own = app.json(DIEGO, &own).await;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn audit_rejects_invalid_parameters_and_names_every_problem() {
    let app = TestApp::demo().await;
    let key_id = "keyId must be one UUID";
    let since = "since must be one date-time like 2026-01-31T12:00:00Z, in 1970 or later";
    let limit = "limit must be one whole number from 1 to 100";
    let cursor = "cursor must be the nextCursor of an earlier answer";
    let all = format!("{key_id}; {since}; {limit}; {cursor}; unknown parameter: colour");
    for (query, expected) in [
        ("keyId=", key_id),
        ("keyId=x", key_id),
        ("keyId=0b7e5f7c3d1a4c569d0e8a4b1f2c6d01", key_id),
        (&format!("keyId={PRODUCTION}&keyId={PRODUCTION}"), key_id),
        ("since=", since),
        ("since=yesterday", since),
        ("since=2026-01-31", since),
        ("since=2026-13-01T00:00:00Z", since),
        (
            "since=2026-01-31T12:00:00Z&since=2026-01-31T12:00:00Z",
            since,
        ),
        ("limit=0", limit),
        ("limit=101", limit),
        ("limit=1&limit=1", limit),
        ("cursor=", cursor),
        ("cursor=AAABlh7LVAALfl98PRpMVp0OiksfLG0B", cursor),
        ("colour=blue", "unknown parameter: colour"),
        ("days=7", "unknown parameter: days"),
        ("keyId=x&since=x&limit=x&cursor=x&colour=x", &all),
    ] {
        let refused = app.get(ANA, &format!("{}?{query}", audit_path(ACME))).await;
        assert_eq!(message(refused, 400).await, expected, "{query}");
    }
}

#[tokio::test]
async fn audit_cursor_belongs_to_its_key_and_since() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let id = key["id"].as_str().unwrap();
    body(app.delete(ANA, &key_path(ACME, id)).await, 200).await;
    let of_key = format!("keyId={id}");
    let since = "since=2026-01-15T12:00:00Z".to_owned();
    let both = format!("{of_key}&{since}");
    let filters = [String::new(), of_key, since, both];
    for filter in &filters {
        let first = format!("{}?limit=1&{filter}", audit_path(ACME));
        let page = app.json(ANA, first.trim_end_matches('&')).await;
        let cursor = page["nextCursor"].as_str().unwrap();
        for other in &filters {
            let next = format!("{}?cursor={cursor}&{other}", audit_path(ACME));
            let next = app.get(ANA, next.trim_end_matches('&')).await;
            if other == filter {
                assert_eq!(body(next, 200).await["items"][0]["action"], "key.created");
            } else {
                let expected =
                    "cursor must be used with the keyId and since of the answer that it comes from";
                assert_eq!(message(next, 400).await, expected, "{filter} {other}");
            }
        }
        // A filter that is not valid is the only problem.
        let invalid = format!("{}?cursor={cursor}&keyId=x", audit_path(ACME));
        let invalid = message(app.get(ANA, &invalid).await, 400).await;
        assert_eq!(invalid, "keyId must be one UUID");
        // The same instant and id in another spelling, and another limit.
        let same = filter
            .replace("2026-01-15T12:00:00Z", "2026-01-15t13:00:00.000%2B01:00")
            .replace(id, &id.to_uppercase());
        let next = format!("{}?cursor={cursor}&limit=100&{same}", audit_path(ACME));
        app.json(ANA, next.trim_end_matches('&')).await;
    }
}

#[tokio::test]
async fn audit_pages_are_stable_while_entries_are_appended() {
    let app = TestApp::demo().await;
    for _ in 0..5 {
        app.create_key(json!({})).await;
    }
    let before = walk(&app, 100, "").await;
    let mut seen = Vec::new();
    let mut path = audit_path(ACME) + "?limit=2";
    loop {
        let page = app.json(ANA, &path).await;
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        // In the same millisecond.
        app.create_key(json!({})).await;
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{}?limit=2&cursor={next}", audit_path(ACME));
    }
    assert_eq!(seen, before);
}

/// Appends an entry at `millis` after [`NOW`]: of the key's revocation, or of a member.
fn append(conn: &rusqlite::Connection, organization: &str, millis: i64, key: Option<&str>) {
    let (action, name, member) = match key {
        Some(_) => ("key.revoked", Some("x"), None),
        None => ("member.removed", None, Some(EVA)),
    };
    conn.execute(
        "INSERT INTO audit_log (organization_id, created_at, action, key_id, key_name, member_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            organization,
            later(millis).as_millis(),
            action,
            key,
            name,
            member
        ],
    )
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Instants and keys repeat, so that ties are common.
    #[test]
    fn audit_walk_equals_the_log(
        log in vec((0..2usize, 0..6i64, option::of(0..2usize)), 0..30),
        since in option::of(0..6i64),
        key in option::of(0..2usize),
        limit in 1..6usize,
    ) {
        const KEYS: [[&str; 2]; 2] = [
            [PRODUCTION, "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d02"],
            [GLOBEX_WEBSITE, "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d12"],
        ];
        Runtime::new().unwrap().block_on(async {
            let app = TestApp::demo().await;
            let conn = app.other_connection();
            let mut expected = Vec::new();
            for (number, (owner, at, changed)) in log.iter().enumerate() {
                let changed = changed.map(|changed| KEYS[*owner][changed]);
                append(&conn, [ACME, GLOBEX][*owner], *at, changed);
                let key = key.map(|key| KEYS[0][key]);
                if *owner == 0 && key.is_none_or(|key| changed == Some(key)) && since.is_none_or(|since| *at >= since) {
                    expected.push((*at, number, changed));
                }
            }
            expected.sort_unstable();
            let expected: Vec<(String, Value)> = expected
                .into_iter()
                .rev()
                .map(|(at, _, key)| (later(at).to_string(), json!(key)))
                .collect();
            let key = key.map_or_else(String::new, |key| format!("&keyId={}", KEYS[0][key]));
            let since = since.map_or_else(String::new, |since| format!("&since={}", later(since)));
            let walked = walk(&app, limit, &(key + &since)).await;
            let walked: Vec<(String, Value)> = walked
                .into_iter()
                .map(|entry| (entry["at"].as_str().unwrap().to_owned(), entry["keyId"].clone()))
                .collect();
            assert_eq!(walked, expected);
            app.stop().await;
        });
    }
}
