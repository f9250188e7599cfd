//! The list of keys, and the keys on the overview that need a person: the same ones as over the API.

use serde_json::json;

use super::{browser::Page, signed_in};
use crate::support::{ACME, ANA, CARLA, DAY, PRODUCTION, TestApp, keys_path, later};

const KEYS: &str = "/dashboard/acme-corp/keys";

/// The ids of the keys in the table of a page, in their order.
fn ids(page: &Page) -> Vec<String> {
    let rows = page.text.split("<tr><th scope=\"row\"><a href=\"").skip(1);
    let links = rows.map(|row| row.split('"').next().unwrap());
    links
        .map(|link| link.rsplit('/').next().unwrap().to_owned())
        .collect()
}

/// The link whose text is `words`.
fn link<'a>(page: &'a Page, words: &str) -> Option<&'a str> {
    let end = page.text.find(&format!("\">{words}</a>"))?;
    page.text[..end].rsplit("href=\"").next()
}

#[tokio::test]
async fn list_has_the_keys_of_the_api_for_the_same_parameters() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    for parameters in [
        "",
        "?status=active",
        "?status=revoked",
        "?usage=never",
        "?usage=inactive",
        "?search=SERVER",
        "?expiresWithinDays=14",
        "?createdBy=11111111-1111-4111-8111-111111111111",
        "?sort=totalRequests",
        "?sort=lastUsedAt&order=asc",
        "?status=active&sort=rateLimitHits&order=desc",
    ] {
        let expected = app
            .json(ANA, &format!("{}{parameters}", keys_path(ACME)))
            .await;
        let expected: Vec<_> = expected["items"].as_array().unwrap().iter().collect();
        let page = ana.get(&format!("{KEYS}{parameters}")).await.expect(200);
        assert_eq!(
            json!(ids(&page)),
            json!(expected.iter().map(|key| &key["id"]).collect::<Vec<_>>()),
            "{parameters}"
        );
    }
    // Forms send fields that are not filled in.
    let all = ids(&ana.get(KEYS).await.expect(200));
    let empty = ana
        .get(&format!("{KEYS}?search=&status=&usage="))
        .await
        .expect(200);
    assert_eq!(ids(&empty), all);
    app.stop().await;
}

#[tokio::test]
async fn list_keeps_filters_in_the_links_of_other_orders_and_pages() {
    let app = TestApp::demo().await;
    for number in 0..60 {
        app.create_key(json!({ "name": format!("Robot & co {number}") }))
            .await;
    }
    let mut ana = signed_in(&app, ANA).await;
    let first = ana
        .get(&format!("{KEYS}?search=robot%20%26"))
        .await
        .expect(200);
    assert_eq!(ids(&first).len(), 50);
    let next = link(&first, "Next page").unwrap().replace("&amp;", "&");
    assert!(next.contains("search=robot%20%26&cursor="), "{next}");
    let second = ana.get(&next).await.expect(200);
    assert_eq!(ids(&second).len(), 10);
    assert_eq!(link(&second, "Next page"), None);
    assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)));
    let back = link(&second, "First page").unwrap().replace("&amp;", "&");
    assert_eq!(ids(&ana.get(&back).await.expect(200)), ids(&first));
    let sorted = link(&first, "Requests").unwrap().replace("&amp;", "&");
    assert!(sorted.ends_with("?search=robot%20%26&sort=totalRequests&order=desc"));
    let page = ana.get(&sorted).await.expect(200);
    assert!(page.text.contains("aria-sort=\"descending\""));
    let other = next.replace("robot", "r");
    let page = ana.get(&other).await.expect(400);
    assert!(page.text.contains("belongs to another list"));
    app.stop().await;
}

#[tokio::test]
async fn list_without_a_match_says_so_and_refuses_unknown_values() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let page = ana
        .get(&format!("{KEYS}?search=<b>nothing"))
        .await
        .expect(200);
    assert!(page.text.contains("No key matches") && !page.text.contains("<b>nothing"));
    let page = ana.get("/dashboard/initech/keys").await.expect(200);
    assert!(page.text.contains("href=\"/dashboard/initech/keys/new\""));
    for wrong in [
        "status=lost",
        "usage=often",
        "expiresWithinDays=0",
        "sort=name",
        "cursor=x",
    ] {
        ana.get(&format!("{KEYS}?{wrong}")).await.expect(400);
    }
    app.stop().await;
}

#[tokio::test]
async fn overview_lists_the_keys_that_need_a_person() {
    let app = TestApp::demo().await;
    let soon = later(9 * DAY).to_string();
    app.create_key(json!({ "name": "Spring campaign", "expiresAt": soon }))
        .await;
    let called = app.create_key(json!({ "name": "Old CI" })).await;
    app.delete(
        ANA,
        &crate::support::key_path(ACME, called["id"].as_str().unwrap()),
    )
    .await;
    app.set_clock(later(1000));
    let validation = app.request(reqwest::Method::POST, "/api/api-keys/validate");
    let validation = validation.header("X-API-Key", called["key"].as_str().unwrap());
    assert_eq!(validation.send().await.unwrap().status(), 401);

    let mut ana = signed_in(&app, ANA).await;
    let page = ana.get("/dashboard/acme-corp").await.expect(200);
    for (title, name) in [
        ("Expiring within 14 days", "Spring campaign"),
        ("Revoked but still called", "Old CI"),
        ("Most rate-limited", "Production server"),
        ("Inactive", ""),
        ("Never used", ""),
    ] {
        let list = page
            .text
            .split(&format!(">{title}</a></h3>"))
            .nth(1)
            .unwrap();
        let list = list.split("</ul>").next().unwrap();
        assert!(list.contains(name), "{title}: {list}");
        let all = link(&page, title).unwrap().replace("&amp;", "&");
        let all = ana.get(&all).await.expect(200);
        assert!(!ids(&all).is_empty(), "{title}");
    }
    app.stop().await;
}

#[tokio::test]
async fn member_sees_no_list_of_keys() {
    let app = TestApp::demo().await;
    let mut carla = signed_in(&app, CARLA).await;
    let page = carla.get("/dashboard/acme-corp").await.expect(200);
    assert!(!page.text.contains("Needs attention"));
    assert!(!page.text.contains("href=\"/dashboard/acme-corp/keys\""));
    carla.get(KEYS).await.expect(403);
    carla.get(&format!("{KEYS}/{PRODUCTION}")).await.expect(200);
    app.stop().await;
}
