//! Changes of keys by forms: who may make them, what they do, and that a secret is shown once.

use serde_json::json;

use super::{
    browser::{Browser, Page},
    signed_in,
};
use crate::support::{ACME, ANA, CARLA, GLOBEX_WEBSITE, PRODUCTION, TestApp, key_path, keys_path};

const KEYS: &str = "/dashboard/acme-corp/keys";

fn page_of(key: &str) -> String {
    format!("{KEYS}/{key}")
}

/// The value of the hidden field `form`.
fn form_token(page: &Page) -> String {
    let field = page.text.split("name=\"form\" value=\"").nth(1).unwrap();
    field.split('"').next().unwrap().to_owned()
}

/// The secret on a page.
fn secret(page: &Page) -> Option<&str> {
    let start = page.text.find(">sk_")? + 1;
    page.text.get(start..start + 39)
}

async fn token_at(browser: &mut Browser, path: &str) -> String {
    form_token(&browser.get(path).await.expect(200))
}

#[tokio::test]
async fn create_shows_the_secret_once_with_a_command_that_uses_it() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let token = token_at(&mut ana, &format!("{KEYS}/new")).await;
    let form = [
        ("form", token.as_str()),
        ("name", "Billing"),
        ("description", "Sends invoices"),
        ("scopes", "invoices:read  invoices:write"),
        ("rate_limit", "1,000"),
        ("rate_window", "60"),
        ("quota", "5000"),
        ("quota_period", "day"),
        ("expires", "2027-01-31T12:00"),
        ("external_id", "customer-7"),
        ("metadata", r#"{"plan":"free"}"#),
    ];
    let page = ana.post(&format!("{KEYS}/new"), &form).await.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let secret = secret(&page).unwrap().to_owned();
    let curl = format!(
        "curl -X POST '{}/api/api-keys/validate' \\\n  -H 'X-API-Key: {secret}'",
        app.origin
    );
    assert!(page.text.contains(&curl), "{page:?}");
    let id = app.key_of(&json!(secret)).await.unwrap();
    let key = app.json(ANA, &key_path(ACME, &id)).await;
    assert_eq!(key["createdBy"], ANA);
    assert_eq!(key["scopes"], json!(["invoices:read", "invoices:write"]));
    assert_eq!(
        key["rateLimit"],
        json!({ "limit": 1000, "windowSeconds": 60 })
    );
    assert_eq!(key["quota"]["limit"], 5000);
    assert_eq!(key["expiresAt"], "2027-01-31T12:00:00.000Z");
    assert_eq!(key["externalId"], "customer-7");
    assert_eq!(key["metadata"], json!({ "plan": "free" }));

    // The same form again: a reload, or a second click.
    let keys = app
        .json(ANA, &format!("{}?limit=100", keys_path(ACME)))
        .await;
    let page = ana.post(&format!("{KEYS}/new"), &form).await;
    page.expect_redirect(&page_of(&id));
    assert_eq!(
        app.json(ANA, &format!("{}?limit=100", keys_path(ACME)))
            .await,
        keys
    );
    let page = ana.get(&page_of(&id)).await.expect(200);
    assert!(!page.text.contains(&secret));
    app.stop().await;
}

#[tokio::test]
async fn create_shows_all_problems_beside_their_fields_and_creates_nothing() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let before = app.json(ANA, &keys_path(ACME)).await;
    let token = token_at(&mut ana, &format!("{KEYS}/new")).await;
    let form = [
        ("form", token.as_str()),
        ("name", ""),
        ("quota", "many"),
        ("description", "<b>kept</b>"),
    ];
    let page = ana.post(&format!("{KEYS}/new"), &form).await.expect(400);
    assert_eq!(page.text.matches("aria-invalid=\"true\"").count(), 2);
    assert!(page.text.contains("value=\"&lt;b&gt;kept&lt;/b&gt;\""));
    assert_eq!(form_token(&page), token);
    assert_eq!(app.json(ANA, &keys_path(ACME)).await, before);
    app.stop().await;
}

#[tokio::test]
async fn form_of_another_user_is_another_form() {
    let app = TestApp::demo().await;
    let form = [("form", "x"), ("name", "Same")];
    let mut ids = Vec::new();
    for user in [ANA, crate::support::BETO] {
        let mut browser = signed_in(&app, user).await;
        let page = browser
            .post(&format!("{KEYS}/new"), &form)
            .await
            .expect(200);
        ids.push(app.key_of(&json!(secret(&page).unwrap())).await.unwrap());
    }
    assert_ne!(ids[0], ids[1]);
    app.stop().await;
}

#[tokio::test]
async fn rotate_shows_the_new_secret_once_and_keeps_the_old_one_for_the_grace_period() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({ "name": "x" })).await;
    let (id, old) = (key["id"].as_str().unwrap(), key["key"].clone());
    let path = format!("{}/rotate", page_of(id));
    let mut ana = signed_in(&app, ANA).await;
    let token = token_at(&mut ana, &path).await;
    let form = [("form", token.as_str()), ("grace", "hour")];
    let page = ana.post(&path, &form).await.expect(200);
    let new = json!(secret(&page).unwrap());
    assert_ne!(new, old);
    assert_eq!(app.key_of(&new).await.as_deref(), Some(id));
    assert_eq!(app.key_of(&old).await.as_deref(), Some(id));
    ana.post(&path, &form).await.expect_redirect(&page_of(id));
    assert_eq!(app.key_of(&new).await.as_deref(), Some(id));

    // During the grace period, the form offers what is possible then.
    let page = ana.get(&path).await.expect(200);
    assert!(page.text.contains("A rotation is in progress"));
    let token = form_token(&page);
    let page = ana.post(&path, &[("form", &token), ("grace", "day")]).await;
    page.expect(409);
    let page = ana
        .post(&path, &[("form", &token), ("grace", "now")])
        .await
        .expect(200);
    let newest = json!(secret(&page).unwrap());
    assert_eq!(app.key_of(&old).await, None);
    assert_eq!(app.key_of(&new).await, None);
    assert_eq!(app.key_of(&newest).await.as_deref(), Some(id));
    app.stop().await;
}

#[tokio::test]
async fn revoke_asks_first_and_says_that_it_cannot_be_undone() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let path = format!("{}/revoke", page_of(PRODUCTION));
    let page = ana.get(&path).await.expect(200);
    for text in [
        "Revoke Production server?",
        "This cannot be undone",
        "last used",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["status"], "active");
    ana.post(&path, &[])
        .await
        .expect_redirect(&page_of(PRODUCTION));
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["status"], "revoked");
    let page = ana.get(&page_of(PRODUCTION)).await.expect(200);
    assert!(!page.text.contains("/rotate") && page.text.contains("revoked"));
    ana.get(&path).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn disable_and_enable_switch_the_key() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    for (action, status) in [("disable", "disabled"), ("enable", "active")] {
        let page = ana.get(&page_of(PRODUCTION)).await.expect(200);
        let path = format!("{}/{action}", page_of(PRODUCTION));
        assert!(
            page.text.contains(&format!("action=\"{path}\"")),
            "{action}"
        );
        ana.post(&path, &[])
            .await
            .expect_redirect(&page_of(PRODUCTION));
        let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
        assert_eq!(key["status"], status);
    }
    app.stop().await;
}

#[tokio::test]
async fn edit_changes_only_what_differs() {
    let app = TestApp::demo().await;
    let settings = json!({
        "name": "x",
        "description": "d",
        "scopes": ["a", "b"],
        "metadata": { "a": [1, 2], "b": "c" },
        "rateLimit": { "limit": 10, "windowSeconds": 90 },
        "quota": { "limit": 100, "period": "day" },
        "expiresAt": "2027-01-31T12:00:00.123Z",
    });
    let key = app.create_key(settings).await;
    let id = key["id"].as_str().unwrap();
    let mut ana = signed_in(&app, ANA).await;
    let path = format!("{}/edit", page_of(id));
    let page = ana.get(&path).await.expect(200);
    assert!(page.text.contains("value=\"2027-01-31T12:00:00\""));
    let form = [
        ("name", "y"),
        ("description", ""),
        ("scopes", "a b"),
        ("rate_limit", "10"),
        ("rate_window", "90"),
        ("quota", "100"),
        ("quota_period", "month"),
        ("expires", "2027-01-31T12:00:00"),
        ("external_id", ""),
        (
            "metadata",
            "{\r\n  \"a\": [\r\n    1,\r\n    2\r\n  ],\r\n  \"b\": \"c\"\r\n}",
        ),
    ];
    ana.post(&path, &form).await.expect_redirect(&page_of(id));
    let edited = app.json(ANA, &key_path(ACME, id)).await;
    assert_eq!(edited["name"], "y");
    assert_eq!(edited["description"], json!(null));
    assert_eq!(edited["quota"]["period"], "month");
    for same in ["scopes", "rateLimit", "metadata", "expiresAt"] {
        assert_eq!(edited[same], key[same], "{same}");
    }
    let actions = app.other_connection();
    let changes: String = actions
        .query_row(
            "SELECT changes FROM audit_log WHERE key_id = ?1 AND action = 'key.updated'",
            [id],
            |row| row.get(0),
        )
        .unwrap();
    let changes: serde_json::Value = serde_json::from_str(&changes).unwrap();
    let fields: Vec<&String> = changes.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["name", "description", "quota"]);
    let mut invalid = form;
    invalid[0].1 = " ";
    let page = ana.post(&path, &invalid).await.expect(400);
    assert!(page.text.contains("aria-invalid"));
    app.stop().await;
}

#[tokio::test]
async fn member_sees_and_changes_nothing_that_the_role_does_not_permit() {
    let app = TestApp::demo().await;
    let mut carla = signed_in(&app, CARLA).await;
    let page = carla.get(&page_of(PRODUCTION)).await.expect(200);
    for hidden in ["/edit", "/rotate", "/revoke", "/disable", "/keys/new"] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let key = page_of(PRODUCTION);
    for path in [
        format!("{KEYS}/new"),
        format!("{key}/edit"),
        format!("{key}/rotate"),
        format!("{key}/revoke"),
    ] {
        let page = carla.get(&path).await.expect(403);
        assert!(page.text.contains("Owner or admin role required"), "{path}");
    }
    for action in ["edit", "rotate", "revoke", "disable", "enable"] {
        let form = [("form", "x"), ("grace", "now"), ("name", "x")];
        carla
            .post(&format!("{key}/{action}"), &form)
            .await
            .expect(403);
    }
    carla
        .post(&format!("{KEYS}/new"), &[("form", "x"), ("name", "x")])
        .await
        .expect(403);
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(
        (&key["status"], &key["name"]),
        (&json!("active"), &json!("Production server"))
    );
    app.stop().await;
}

#[tokio::test]
async fn change_of_a_key_of_another_organization_is_not_found() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    for action in ["edit", "rotate", "revoke", "disable", "enable"] {
        let path = format!("{}/{action}", page_of(GLOBEX_WEBSITE));
        let form = [("form", "x"), ("grace", "now"), ("name", "x")];
        ana.post(&path, &form).await.expect(404);
    }
    app.stop().await;
}

#[tokio::test]
async fn change_that_another_origin_sends_is_refused() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let key = page_of(PRODUCTION);
    let form = [("form", "x"), ("grace", "now"), ("name", "x")];
    for path in [
        format!("{KEYS}/new"),
        format!("{key}/edit"),
        format!("{key}/rotate"),
        format!("{key}/revoke"),
        format!("{key}/disable"),
        format!("{key}/enable"),
    ] {
        let headers = [
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", app.origin.as_str()),
        ];
        let page = ana.post_with(&path, &form, &headers).await.expect(403);
        assert!(
            page.text.contains("not sent by a page of this server"),
            "{path}"
        );
    }
    app.stop().await;
}
