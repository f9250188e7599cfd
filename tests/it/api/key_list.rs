//! The list of an organization's keys: order, pages, and stability while keys are created.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ACME, ANA, DIEGO, INITECH, TestApp, body, key_path, keys_path, later, message,
};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Every page of the list, `limit` keys each.
async fn pages(app: &TestApp, limit: usize) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{}?limit={limit}{cursor}", keys_path(ACME));
        let page = app.json(ANA, &path).await;
        let next = page["nextCursor"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn list_equals_single_reads_newest_first() {
    let app = TestApp::demo().await;
    let page = app.json(ANA, &keys_path("acme-corp")).await;
    assert_eq!(page.as_object().unwrap().len(), 2);
    assert_eq!(page["nextCursor"], Value::Null);
    let stats = app.json(ANA, &key_path(ACME, "stats")).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(json!(items.len()), stats["totalKeys"]);
    for key in items {
        let path = key_path(ACME, key["id"].as_str().unwrap());
        assert_eq!(app.json(ANA, &path).await, *key);
    }
    let made: Vec<&str> = items
        .iter()
        .map(|key| key["createdAt"].as_str().unwrap())
        .collect();
    assert!(made.is_sorted_by(|newer, older| newer >= older), "{made:?}");
}

#[tokio::test]
async fn list_of_an_organization_without_keys_is_empty() {
    let app = TestApp::demo().await;
    let page = app.json(ANA, &keys_path(INITECH)).await;
    assert_eq!(page, json!({ "items": [], "nextCursor": null }));
}

#[tokio::test]
async fn list_has_the_order_of_creation_within_a_millisecond() {
    let app = TestApp::demo().await;
    let before = ids(&app.json(ANA, &keys_path(ACME)).await);
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(
            app.create_key(json!({})).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    expected.reverse();
    expected.extend(before);
    assert_eq!(ids(&app.json(ANA, &keys_path(ACME)).await), expected);
}

#[tokio::test]
async fn create_generates_increasing_ids_also_when_the_clock_is_set_back() {
    let mut app = TestApp::demo().await;
    let mut created = Vec::new();
    for millis in [0, 1, 1, -1, -20_000, 0, 5, 2] {
        app.set_clock(later(millis));
        created.push((
            millis,
            app.create_key(json!({})).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        ));
        if millis == 5 {
            // A restart does not forget the newest id.
            app = TestApp::again(app.stop().await).await;
        }
    }
    assert!(created.is_sorted_by(|older, newer| older.1 < newer.1));
    for (_, id) in &created {
        assert_eq!(Uuid::try_parse(id).unwrap().get_version_num(), 7, "{id}");
    }
    // By `createdAt`, and in the order of creation among those of one millisecond.
    created.sort_by_key(|(millis, _)| *millis);
    let expected: Vec<String> = created.into_iter().rev().map(|(_, id)| id).collect();
    let pages = pages(&app, 3).await;
    let listed: Vec<String> = pages.iter().flat_map(ids).collect();
    let listed = listed.into_iter().filter(|id| expected.contains(id));
    assert_eq!(listed.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn list_pages_of_any_size_make_up_the_list() {
    let app = TestApp::demo().await;
    // Made in the same millisecond: the id decides.
    for n in 0..7 {
        let asked = json!({ "name": format!("Key {n}") });
        body(app.post(ANA, &keys_path(ACME), &asked).await, 201).await;
    }
    let whole = app.json(ANA, &(keys_path(ACME) + "?limit=100")).await;
    assert_eq!(whole["nextCursor"], Value::Null);
    let whole = ids(&whole);
    for limit in [1, 2, 3, 5, whole.len() - 1, whole.len(), whole.len() + 1] {
        let pages = pages(&app, limit).await;
        let sizes = pages.iter().map(|page| ids(page).len());
        assert!(
            sizes
                .clone()
                .take(pages.len() - 1)
                .all(|size| size == limit)
        );
        assert!(
            sizes.clone().all(|size| size > 0),
            "no empty page at the end"
        );
        assert_eq!(
            pages.iter().flat_map(ids).collect::<Vec<_>>(),
            whole,
            "by {limit}"
        );
    }
}

#[tokio::test]
async fn list_pages_are_stable_while_keys_are_created() {
    let app = TestApp::demo().await;
    let before = ids(&app.json(ANA, &keys_path(ACME)).await);
    let mut seen = Vec::new();
    let mut path = keys_path(ACME) + "?limit=2";
    for n in 1.. {
        let page = app.json(ANA, &path).await;
        seen.extend(ids(&page));
        app.set_clock(later(n));
        body(
            app.post(ANA, &keys_path(ACME), &json!({ "name": "x" }))
                .await,
            201,
        )
        .await;
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{}?limit=2&cursor={next}", keys_path(ACME));
    }
    assert_eq!(seen, before);
}

#[tokio::test]
async fn list_has_fifty_keys_per_page_by_default() {
    let app = TestApp::demo().await;
    for _ in 0..60 {
        body(
            app.post(ANA, &keys_path(ACME), &json!({ "name": "x" }))
                .await,
            201,
        )
        .await;
    }
    for (query, length) in [("", 50), ("?limit=1", 1), ("?limit=100", 72)] {
        let page = app.json(ANA, &(keys_path(ACME) + query)).await;
        let ids: HashSet<String> = ids(&page).into_iter().collect();
        assert_eq!(ids.len(), length, "{query}");
    }
}

#[tokio::test]
async fn list_cursor_gives_no_access_to_other_organizations() {
    let app = TestApp::demo().await;
    let page = app.json(ANA, &(keys_path(ACME) + "?limit=1")).await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let path = |organization| format!("{}?cursor={cursor}", keys_path(organization));
    let globex = app.json(DIEGO, &path("globex")).await;
    for key in globex["items"].as_array().unwrap() {
        assert_ne!(key["organizationId"], ACME);
    }
    message(app.get(DIEGO, &path(ACME)).await, 403).await;
}

#[tokio::test]
async fn list_rejects_an_invalid_limit_or_cursor() {
    let app = TestApp::demo().await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "limit=-1",
    ] {
        let answer = app.get(ANA, &format!("{}?{query}", keys_path(ACME))).await;
        let expected = "limit must be one whole number from 1 to 100";
        assert_eq!(message(answer, 400).await, expected, "{query}");
    }
    let page = app.json(ANA, &(keys_path(ACME) + "?limit=1")).await;
    let good = page["nextCursor"].as_str().unwrap();
    app.json(ANA, &format!("{}?cursor={good}", keys_path(ACME)))
        .await;
    for cursor in [
        "",
        "x",
        // A cursor of an earlier version.
        "AAABlh7LVAALfl98PRpMVp0OiksfLG0B",
        &good[1..],
        &format!("{good}A"),
        &format!("{good}&cursor={good}"),
    ] {
        let answer = app
            .get(ANA, &format!("{}?cursor={cursor}", keys_path(ACME)))
            .await;
        let expected = "cursor must be the nextCursor of an earlier answer";
        assert_eq!(message(answer, 400).await, expected, "{cursor}");
    }
}
