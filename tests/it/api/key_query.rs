//! Finding keys: filters, orders, and the cursors that belong to them.
//!
//! The lists themselves are compared with a model in `src/store/sqlite/key_list/tests.rs`; these tests are about the
//! parameters.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, BETO, CARLA, DAY, NOW, TestApp, key_path, keys_path, later, message, stats_path,
};

const OTHER_QUERY: &str =
    "cursor must be used with the filters, sort and order of the answer that it comes from";

fn path(query: &str) -> String {
    format!("{}?{query}", keys_path(ACME))
}

fn texts(items: &[Value], field: &str) -> Vec<String> {
    let texts = items.iter().filter_map(|key| key[field].as_str());
    texts.map(str::to_owned).collect()
}

/// The keys that a query selects, on one page.
async fn items(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.json(ANA, &path(&format!("limit=100&{query}"))).await;
    assert_eq!(page["nextCursor"], Value::Null, "{query}");
    page["items"].as_array().unwrap().clone()
}

/// A demo with a disabled key, keys that expire soon, and a revoked key that is still used.
async fn demo() -> TestApp {
    let app = TestApp::demo().await;
    let disabled = app
        .create_key(json!({ "name": "Paused", "expiresAt": later(14 * DAY).to_string() }))
        .await;
    let in_two_weeks = later(14 * DAY + 1).to_string();
    app.create_key(json!({ "name": "100 % soon", "expiresAt": in_two_weeks }))
        .await;
    let leaked = app
        .create_key(json!({ "name": "Leaked", "description": "on a LAPTOP_2" }))
        .await;
    let id = leaked["id"].as_str().unwrap();
    assert_eq!(app.delete(ANA, &key_path(ACME, id)).await.status(), 200);
    app.set_clock(later(1));
    let used = app.request(Method::POST, "/api/api-keys/validate");
    let used = used.header("X-API-Key", leaked["key"].as_str().unwrap());
    assert_eq!(used.send().await.unwrap().status(), 401);
    app.set_clock(NOW);
    let conn = app.other_connection();
    let disable = "UPDATE api_keys SET disabled_at = ?1, external_id = 'customer-1' WHERE id = ?2";
    let values = (NOW.as_millis(), disabled["id"].as_str().unwrap());
    conn.execute(disable, values).unwrap();
    app
}

#[tokio::test]
async fn list_selects_the_keys_that_the_statistics_count() {
    let app = TestApp::demo().await;
    let stats = app.json(ANA, &stats_path(ACME)).await;
    for (query, field) in [
        ("status=active", "activeKeys"),
        ("status=revoked", "revokedKeys"),
        ("status=expired", "expiredKeys"),
        ("status=disabled", "disabledKeys"),
        ("usage=never", "neverUsedKeys"),
        ("usage=inactive", "inactiveKeys"),
    ] {
        let found = items(&app, query).await;
        assert!(!found.is_empty(), "{query}");
        assert_eq!(json!(found.len()), stats[field], "{query}");
    }
}

#[tokio::test]
async fn list_selects_keys_by_each_filter_and_by_several() {
    let app = demo().await;
    for (query, names) in [
        ("status=disabled", &["Paused", "Newsletter service"][..]),
        ("expiresWithinDays=14", &["Paused", "Tax audit"]),
        (
            "expiresWithinDays=15",
            &["100 % soon", "Paused", "Tax audit"],
        ),
        (
            "expiresWithinDays=15&sort=expiresAt&order=asc",
            &["Tax audit", "Paused", "100 % soon"],
        ),
        (
            "expiresWithinDays=15&status=active",
            &["100 % soon", "Tax audit"],
        ),
        ("usage=afterRevocation", &["Leaked"]),
        ("usage=afterRevocation&status=active", &[]),
        ("externalId=customer-1", &["Paused"]),
        ("externalId=customer-", &[]),
        ("externalId=customer-portal", &["Production server"]),
        ("search=laptop", &["Leaked"]),
        ("search=pAUSED", &["Paused", "Newsletter service"]),
        ("search=p_t", &[]),
        ("search=top_2", &["Leaked"]),
        ("search=%25", &["100 % soon"]),
        ("search=%5C", &[]),
        ("search=soon&status=active&usage=never", &["100 % soon"]),
        ("createdBy=nobody", &[]),
    ] {
        let found = items(&app, query).await;
        assert_eq!(texts(&found, "name"), names, "{query}");
    }
    let of_ana = items(&app, &format!("createdBy={ANA}")).await;
    let of_beto = items(&app, &format!("createdBy={BETO}")).await;
    let all = items(&app, "").await;
    for (user, found) in [(ANA, of_ana), (BETO, of_beto)] {
        let expected = all.iter().filter(|key| key["createdBy"] == user);
        assert_eq!(found, expected.cloned().collect::<Vec<_>>());
        assert!(!found.is_empty());
    }
}

#[tokio::test]
async fn list_is_sorted_with_nulls_last_in_both_orders() {
    let app = demo().await;
    let all = items(&app, "").await;
    for sort in [
        "createdAt",
        "lastUsedAt",
        "expiresAt",
        "totalRequests",
        "rateLimitHits",
    ] {
        let value = |key: &Value| match sort {
            "totalRequests" | "rateLimitHits" => {
                format!("{:020}", key["usage"][sort].as_i64().unwrap())
            }
            _ => key[sort].as_str().unwrap_or_default().to_owned(),
        };
        let ascending = items(&app, &format!("sort={sort}&order=asc")).await;
        let descending = items(&app, &format!("sort={sort}")).await;
        for (keys, order) in [(&ascending, "asc"), (&descending, "desc")] {
            let values: Vec<String> = keys.iter().map(value).collect();
            let nulls = values.iter().filter(|value| value.is_empty()).count();
            let (present, absent) = values.split_at(values.len() - nulls);
            assert!(
                absent.iter().all(String::is_empty),
                "{sort} {order}: {values:?}"
            );
            let mut expected = present.to_vec();
            expected.sort();
            if order == "desc" {
                expected.reverse();
            }
            assert_eq!(present, expected, "{sort} {order}");
        }
        let ids = |keys: &[Value]| texts(keys, "id").into_iter().collect::<HashSet<_>>();
        assert_eq!(ids(&ascending), ids(&descending), "{sort}");
        assert_eq!(ascending.len(), all.len(), "{sort}");
    }
}

#[tokio::test]
async fn list_cursor_is_rejected_with_another_query() {
    let app = demo().await;
    let cursor_of = async |query: &str| {
        let page = app.json(ANA, &path(&format!("limit=1&{query}"))).await;
        page["nextCursor"].as_str().unwrap().to_owned()
    };
    let default = cursor_of("").await;
    let active = cursor_of("status=active").await;
    let by_use = cursor_of("sort=lastUsedAt").await;
    for (cursor, query) in [
        (&default, ""),
        (&default, "limit=7&days=90"),
        (&default, "sort=createdAt"),
        (&default, "order=desc&sort=createdAt"),
        (&active, "status=active"),
        (&active, "status=active&sort=createdAt&order=desc&limit=2"),
        (&by_use, "sort=lastUsedAt&order=desc"),
    ] {
        app.json(ANA, &path(&format!("cursor={cursor}&{query}")))
            .await;
    }
    for (cursor, query) in [
        (&default, "order=asc"),
        (&default, "sort=lastUsedAt"),
        (&default, "status=active"),
        (&default, "usage=never"),
        (&default, "expiresWithinDays=1"),
        (&default, "createdBy=x"),
        (&default, "externalId=x"),
        (&default, "search=x"),
        (&active, ""),
        (&active, "status=revoked"),
        (&by_use, "sort=expiresAt"),
        (&by_use, "sort=lastUsedAt&order=asc"),
    ] {
        let answer = app
            .get(ANA, &path(&format!("{query}&cursor={cursor}")))
            .await;
        assert_eq!(message(answer, 400).await, OTHER_QUERY, "{query}");
    }
    // A problem of the query is named, and not the cursor, which may belong to what was meant.
    let answer = app
        .get(ANA, &path(&format!("status=x&cursor={active}")))
        .await;
    let message = message(answer, 400).await;
    assert!(
        message.starts_with("status must") && !message.contains("cursor"),
        "{message}"
    );
}

#[tokio::test]
async fn list_adds_days_to_each_key_as_the_single_read_does() {
    let app = TestApp::demo().await;
    let first = app.json(ANA, &path("days=3&limit=4")).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    // The number of days is no part of the query.
    let second = app
        .json(ANA, &path(&format!("days=1&cursor={cursor}")))
        .await;
    for (page, days) in [(&first, 3), (&second, 1)] {
        for key in page["items"].as_array().unwrap() {
            let path = key_path(ACME, key["id"].as_str().unwrap());
            assert_eq!(*key, app.json(ANA, &format!("{path}?days={days}")).await);
            assert_eq!(key["daily"].as_array().unwrap().len(), days);
        }
    }
}

#[tokio::test]
async fn list_with_filters_requires_the_role() {
    let app = TestApp::demo().await;
    let answer = app
        .get(CARLA, &path("status=active&sort=totalRequests"))
        .await;
    message(answer, 403).await;
}

#[tokio::test]
async fn list_walk_has_each_lasting_key_once_while_keys_are_created_and_used() {
    for query in [
        "sort=createdAt&order=asc",
        "sort=lastUsedAt",
        "sort=lastUsedAt&order=asc",
        "sort=expiresAt",
        "sort=expiresAt&order=asc",
        "sort=totalRequests",
        "sort=rateLimitHits&order=asc",
        "status=active&sort=lastUsedAt&order=asc",
        "usage=never",
        "search=e&sort=totalRequests&order=asc",
        "expiresWithinDays=365",
    ] {
        let app = demo().await;
        let used = app.create_key(json!({ "name": "Busy" })).await;
        let expected = texts(&items(&app, query).await, "id");
        let mut listed = Vec::new();
        let mut next = String::new();
        for step in 0.. {
            let page = app
                .json(ANA, &path(&format!("limit={}&{query}{next}", 1 + step % 3)))
                .await;
            listed.extend(texts(page["items"].as_array().unwrap(), "id"));
            app.create_key(json!({ "name": "Between", "expiresAt": later(20 * DAY).to_string() }))
                .await;
            let request = app.request(Method::POST, "/api/api-keys/validate");
            let request = request.header("X-API-Key", used["key"].as_str().unwrap());
            assert_eq!(request.send().await.unwrap().status(), 200);
            app.set_clock(later(1000 * (step + 1)));
            match page["nextCursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
            assert!(step < 100, "{query}: the walk does not end");
        }
        let lasting = |ids: &[String]| {
            let ids = ids
                .iter()
                .filter(|id| expected.contains(id) && used["id"] != **id);
            ids.cloned().collect::<Vec<_>>()
        };
        assert_eq!(lasting(&listed), lasting(&expected), "{query}");
    }
}
