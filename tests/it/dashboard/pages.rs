//! The pages: who sees what, headers, errors, and names that look like HTML.

use serde_json::json;

use super::{
    browser::{Browser, Page},
    signed_in,
};
use crate::support::{ACME, ANA, CARLA, DIEGO, GLOBEX_WEBSITE, PRODUCTION, TestApp};

const OVERVIEW: &str = "/dashboard/acme-corp";

fn key_path(key: &str) -> String {
    format!("{OVERVIEW}/keys/{key}")
}

/// Requires the headers of every page, and a page without inline styles and scripts.
fn check(page: &Page) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.headers.contains_key("x-request-id"));
    for inline in ["<style", " style=", "<script>", " onclick=", "javascript:"] {
        assert!(!page.text.contains(inline), "{inline}: {}", page.text);
    }
    assert!(page.text.starts_with("<!DOCTYPE html><html lang=\"en\">"));
}

#[tokio::test]
async fn pages_have_the_security_headers_and_nothing_inline() {
    let app = TestApp::demo().await;
    let mut visitor = Browser::new(&app);
    let mut ana = signed_in(&app, ANA).await;
    check(&visitor.get("/login").await.expect(200));
    check(&visitor.get("/login?code=x").await.expect(403));
    check(&visitor.post("/login", &[("token", "x")]).await.expect(403));
    check(&visitor.get("/dashboard/x/y/z").await.expect(404));
    check(&ana.get(OVERVIEW).await.expect(200));
    check(&ana.get(&key_path(PRODUCTION)).await.expect(200));
    check(&ana.get("/dashboard/globex").await.expect(403));
    let redirect = visitor.get(OVERVIEW).await;
    assert_eq!(redirect.header("referrer-policy"), "same-origin");
    assert_eq!(redirect.header("cache-control"), "no-store");
    app.stop().await;
}

#[tokio::test]
async fn stylesheet_and_script_are_cached_for_ever() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/login").await.expect(200);
    for (link, media_type) in [
        ("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        (
            "<script type=\"module\" src=\"",
            "text/javascript; charset=utf-8",
        ),
    ] {
        let links: Vec<_> = page.text.split(link).skip(1).collect();
        assert_eq!(links.len(), 1, "{link}");
        let path = links[0].split('"').next().unwrap();
        let asset = browser.get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.header("content-type"), media_type);
        assert_eq!(
            asset.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn key_shows_30_days_unless_90_are_chosen() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let path = key_path(PRODUCTION);
    for (query, days) in [
        ("", 30),
        ("?days=30", 30),
        ("?days=90", 90),
        ("?days=31", 30),
        ("?days=x", 30),
    ] {
        let page = ana.get(&format!("{path}{query}")).await.expect(200);
        assert!(
            page.text.contains(&format!("last {days} days</title>")),
            "{query}"
        );
        let current = format!("href=\"{path}?days={days}\" aria-current=\"true\"");
        assert!(page.text.contains(&current), "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn root_redirects_to_the_first_organization_of_the_user() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    ana.get("/").await.expect_redirect("/dashboard");
    ana.get("/dashboard").await.expect_redirect(OVERVIEW);
    let page = ana.get(OVERVIEW).await.expect(200);
    assert!(page.text.contains("href=\"/dashboard/initech\""));
    let mut diego = signed_in(&app, DIEGO).await;
    diego
        .get("/dashboard")
        .await
        .expect_redirect("/dashboard/globex");
    let page = diego.get("/dashboard/globex").await.expect(200);
    assert!(!page.text.contains("Your organizations"));
    app.stop().await;
}

#[tokio::test]
async fn overview_shows_counts_a_chart_with_a_table_and_recent_keys_to_every_member() {
    let app = TestApp::demo().await;
    for user in [ANA, CARLA] {
        let mut browser = signed_in(&app, user).await;
        let stats = app
            .json(user, "/api/organizations/acme-corp/api-keys/stats?days=30")
            .await;
        let page = browser.get(OVERVIEW).await.expect(200);
        assert!(page.text.contains("role=\"img\""));
        assert!(page.text.contains("Requests per day, last 30 days"));
        assert_eq!(page.text.matches("<tr><th scope=\"row\">20").count(), 30);
        for key in stats["mostRecentlyUsed"].as_array().unwrap() {
            let link = format!("href=\"{}\"", key_path(key["id"].as_str().unwrap()));
            assert!(page.text.contains(&link), "{link}");
        }
        let page = browser
            .get(&format!("{OVERVIEW}?days=90"))
            .await
            .expect(200);
        assert!(page.text.contains("Requests per day, last 90 days"));
        let page = browser.get(&format!("{OVERVIEW}?days=x")).await.expect(200);
        assert!(page.text.contains("last 30 days"));
    }
    app.stop().await;
}

#[tokio::test]
async fn overview_of_an_organization_without_keys_says_what_to_do() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let page = ana.get("/dashboard/initech").await.expect(200);
    assert!(page.text.contains("/dashboard/initech/keys/new"));
    let page = page.text;
    assert!(!page.contains("<svg role"), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn key_page_shows_settings_and_usage_to_every_member() {
    let app = TestApp::demo().await;
    for user in [ANA, CARLA] {
        let mut browser = signed_in(&app, user).await;
        let page = browser.get(&key_path(PRODUCTION)).await.expect(200);
        for text in ["Production server", "sk_...Zk3Q", PRODUCTION, "Rate limit"] {
            assert!(page.text.contains(text), "{text}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn errors_are_pages() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    for (path, status, text) in [
        ("/dashboard/globex".to_owned(), 403, "not a member"),
        ("/dashboard/nowhere".to_owned(), 403, "not a member"),
        (key_path("x"), 404, "no such API key"),
        (key_path(GLOBEX_WEBSITE), 404, "no such API key"),
        ("/dashboard/acme-corp/nowhere".to_owned(), 404, "no page"),
        ("/login/sign-out".to_owned(), 405, "Not possible"),
        ("/login//".to_owned(), 404, "no page"),
    ] {
        let page = ana.get(&path).await.expect(status);
        assert!(page.text.contains(text), "{page:?}");
    }
    assert_eq!(ana.get("/login/sign-out").await.header("allow"), "POST");
    let request = ana.request(reqwest::Method::GET, "/login");
    let long = request.header("X-Long", "x".repeat(17 * 1024));
    ana.send(long).await.expect(431);
    let form = ana.post("/login", &[("token", &"x".repeat(40_000))]).await;
    form.expect(413);
    app.break_clock();
    let page = ana.get(OVERVIEW).await.expect(500);
    assert!(page.text.contains("Something went wrong"));
    app.stop().await;
}

#[tokio::test]
async fn text_that_looks_like_html_is_shown_as_text() {
    let app = TestApp::demo().await;
    let script = "<script>alert(1)</script>\"'&";
    let key = app
        .create_key(json!({
            "name": script,
            "description": script,
            "externalId": script,
            "metadata": { script: script },
        }))
        .await;
    let mut ana = signed_in(&app, ANA).await;
    let page = ana
        .get(&key_path(key["id"].as_str().unwrap()))
        .await
        .expect(200);
    check(&page);
    assert_eq!(page.text.matches("&lt;script&gt;").count(), 7, "{page:?}");
    app.stop().await;
}

#[tokio::test]
async fn sessions_grant_nothing_over_the_api() {
    let app = TestApp::demo().await;
    let mut ana = signed_in(&app, ANA).await;
    let page = ana
        .get(&format!("/api/organizations/{ACME}/api-keys/stats"))
        .await;
    assert_eq!(page.status, 401);
    app.stop().await;
}
