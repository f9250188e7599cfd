//! Forms that a page of another origin sends are refused, and pages of other origins cannot read these pages.

use llavero::api::Cors;
use reqwest::Method;

use super::{browser::Browser, code_for, signed_in};
use crate::support::{ANA, PAGE, TestApp};

#[tokio::test]
async fn form_of_another_origin_is_refused_and_does_not_use_the_code_up() {
    let app = TestApp::demo().await;
    let code = code_for(&app, ANA).await;
    let own = app.origin.clone();
    let port = own.rsplit(':').next().unwrap();
    let https = format!("https://127.0.0.1:{port}");
    let localhost = format!("http://localhost:{port}");
    let mut browser = Browser::new(&app);
    for headers in [
        &[][..],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example")],
        &[("Origin", &https)],
        &[("Origin", &localhost)],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", &own)],
        &[("Sec-Fetch-Site", "none"), ("Origin", &own)],
    ] {
        let form = [("code", code.as_str())];
        let page = browser
            .post_with("/login", &form, headers)
            .await
            .expect(403);
        assert!(page.text.contains("not sent by a page of this server"));
        let page = browser.post_with("/login/sign-out", &[], headers).await;
        page.expect(403);
    }
    let form = [("code", code.as_str())];
    let page = browser
        .post_with("/login", &form, &[("Origin", &own)])
        .await;
    page.expect_redirect("/dashboard");
    app.stop().await;
}

#[tokio::test]
async fn form_is_compared_with_the_public_url() {
    let app = TestApp::demo_at("https://keys.example.com").await;
    let code = code_for(&app, ANA).await;
    let own = app.origin.clone();
    let mut browser = Browser::new(&app);
    let form = [("code", code.as_str())];
    let page = browser
        .post_with("/login", &form, &[("Origin", &own)])
        .await;
    page.expect(403);
    let public = [("Origin", "https://keys.example.com")];
    let page = browser.post_with("/login", &form, &public).await;
    page.expect_redirect("/dashboard");
    app.stop().await;
}

#[tokio::test]
async fn sign_out_from_another_origin_keeps_the_session() {
    let app = TestApp::demo().await;
    let mut browser = signed_in(&app, ANA).await;
    let headers = [("Sec-Fetch-Site", "cross-site")];
    browser
        .post_with("/login/sign-out", &[], &headers)
        .await
        .expect(403);
    browser.get("/dashboard/acme-corp").await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn cors_never_applies_to_pages() {
    let app = TestApp::demo_with_cors(Cors::LoopbackAnd(vec![PAGE.parse().unwrap()])).await;
    let mut browser = signed_in(&app, ANA).await;
    for path in [
        "/dashboard",
        "/dashboard/acme-corp",
        "/dashboard/x/y",
        "/login",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = browser.request(method.clone(), path);
            let request = request.header("Origin", PAGE);
            let request = request.header("Access-Control-Request-Method", "GET");
            let page = browser.send(request).await;
            let names = page.headers.keys().map(reqwest::header::HeaderName::as_str);
            let cors: Vec<_> = names
                .filter(|name| name.starts_with("access-control"))
                .collect();
            assert!(cors.is_empty(), "{method} {path}: {cors:?}");
            if method == Method::OPTIONS {
                assert!([404, 405].contains(&page.status), "{path}: {}", page.status);
            }
        }
    }
    app.stop().await;
}
