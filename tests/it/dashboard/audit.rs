//! The audit log, of the organization and of a key.

use serde_json::json;

use super::signed_in;
use crate::support::{ACME, ANA, BETO, CARLA, PRODUCTION, TestApp, key_path};

const AUDIT: &str = "/dashboard/acme-corp/audit";

#[tokio::test]
async fn audit_page_describes_changes_newest_first_in_pages() {
    let app = TestApp::demo().await;
    let mut beto = signed_in(&app, BETO).await;
    for number in 0..60 {
        app.create_key(json!({ "name": format!("<i>{number}") }))
            .await;
    }
    let path = format!("/dashboard/acme-corp/keys/{PRODUCTION}");
    let form = [
        ("name", "Main <b>"),
        ("rate_limit", "5"),
        ("rate_window", "60"),
    ];
    beto.post(&format!("{path}/edit"), &form)
        .await
        .expect_redirect(&path);
    let page = beto.get(AUDIT).await.expect(200);
    for text in [
        "Name: Production server → Main &lt;b&gt;",
        "Rate limit: 1,000 in 60 s → 5 in 60 s",
        BETO,
        "&lt;i&gt;59",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    let next = page.text.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let older = beto.get(&next).await.expect(200);
    assert!(older.text.contains("&lt;i&gt;0<") && !older.text.contains("&lt;i&gt;59<"));

    // The page of the key has its own changes.
    let page = beto.get(&path).await.expect(200);
    assert!(
        page.text
            .contains("Name: Production server → Main &lt;b&gt;")
    );
    assert!(!page.text.contains("&lt;i&gt;59"));
    app.stop().await;
}

#[tokio::test]
async fn audit_of_one_key_is_a_filter() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let key = app.create_key(json!({ "name": "one" })).await;
    let id = key["id"].as_str().unwrap();
    app.create_key(json!({ "name": "another" })).await;
    app.delete(ANA, &key_path(ACME, id)).await;
    let page = ana.get(&format!("{AUDIT}?keyId={id}")).await.expect(200);
    assert_eq!(page.text.matches(">one</a>").count(), 2);
    assert!(!page.text.contains(">another</a>"));
    let page = ana.get(&format!("{AUDIT}?keyId=x")).await.expect(200);
    assert!(page.text.contains("No change was recorded"));
    app.stop().await;
}

#[tokio::test]
async fn member_does_not_see_the_audit_log() {
    let app = TestApp::demo().await;
    let mut carla = signed_in(&app, CARLA).await;
    carla.get(AUDIT).await.expect(403);
    let path = format!("/dashboard/acme-corp/keys/{PRODUCTION}");
    let page = carla.get(&path).await.expect(200);
    assert!(!page.text.contains("History</h2>"));
    app.stop().await;
}
