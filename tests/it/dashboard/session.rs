//! The session: its cookie, and when it ends.

use super::{browser::Browser, code_for, signed_in};
use crate::support::{ANA, CARLA, TestApp, later, token};

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn cookie_has_the_documented_attributes() {
    let app = TestApp::demo().await;
    let code = code_for(&app, ANA).await;
    let page = Browser::new(&app).post("/login", &[("code", &code)]).await;
    let cookie = page.header("set-cookie");
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(value.strip_prefix("llavero_session=").unwrap().len(), 43);
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=43200");
    app.stop().await;
}

#[tokio::test]
async fn cookie_is_secure_and_bound_to_the_host_if_the_public_url_is_https() {
    let app = TestApp::demo_at("https://keys.example.com").await;
    let mut browser = signed_in(&app, ANA).await;
    let name = browser.cookies.keys().next().unwrap();
    assert_eq!(name, "__Host-llavero_session");
    browser.get("/dashboard/acme-corp").await.expect(200);
    let page = browser.post("/login/sign-out", &[]).await;
    let cookie = page.header("set-cookie");
    assert!(cookie.ends_with("; Max-Age=0; Secure"), "{cookie}");
    app.stop().await;
}

#[tokio::test]
async fn session_ends_with_sign_out() {
    let app = TestApp::demo().await;
    let mut browser = signed_in(&app, ANA).await;
    let stolen = browser.cookies.clone();
    browser.get("/dashboard/acme-corp").await.expect(200);
    let page = browser.post("/login/sign-out", &[]).await;
    page.expect_redirect("/login");
    assert!(browser.cookies.is_empty());
    browser.cookies = stolen;
    let page = browser.get("/dashboard/acme-corp").await;
    page.expect_redirect("/login?next=/dashboard/acme-corp");
    app.stop().await;
}

#[tokio::test]
async fn session_ends_after_twelve_hours() {
    let app = TestApp::demo().await;
    let mut browser = signed_in(&app, ANA).await;
    app.set_clock(later(12 * HOUR - 1));
    browser.get("/dashboard/acme-corp").await.expect(200);
    app.set_clock(later(12 * HOUR));
    assert_eq!(browser.get("/dashboard/acme-corp").await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn session_ends_with_the_pasted_token() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let page = browser.post("/login", &[("token", &token(ANA))]).await;
    assert!(
        page.header("set-cookie").contains("Max-Age=3600"),
        "{page:?}"
    );
    app.set_clock(later(HOUR - 1));
    browser.get("/dashboard/acme-corp").await.expect(200);
    app.set_clock(later(HOUR));
    assert_eq!(browser.get("/dashboard/acme-corp").await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn session_ends_with_the_last_membership_and_does_not_come_back_with_the_next() {
    let app = TestApp::demo().await;
    let (mut ana, mut carla) = (signed_in(&app, ANA).await, signed_in(&app, CARLA).await);
    for user in [ANA, CARLA] {
        let (acme, user) = app.membership("acme-corp", user).await;
        app.store
            .remove_member(acme, user, later(0), true)
            .await
            .unwrap();
    }
    // Ana is a member of another organization.
    ana.get("/dashboard/acme-corp").await.expect(403);
    ana.get("/dashboard/initech").await.expect(200);
    assert_eq!(carla.get("/dashboard/acme-corp").await.status, 303);
    let (acme, user) = app.membership("acme-corp", CARLA).await;
    app.store
        .add_member(acme, user, None, later(0), true)
        .await
        .unwrap();
    assert_eq!(carla.get("/dashboard/acme-corp").await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn session_is_replaced_when_its_browser_signs_in_again() {
    let app = TestApp::demo().await;
    let mut browser = signed_in(&app, ANA).await;
    let first = browser.cookies.clone();
    let page = browser.post("/login", &[("token", &token(CARLA))]).await;
    assert_eq!(page.status, 303);
    assert_ne!(browser.cookies, first);
    browser.cookies = first;
    assert_eq!(browser.get("/dashboard/acme-corp").await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn database_has_hashes_of_tokens_and_codes_and_no_expired_ones() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let code = code_for(&app, ANA).await;
    let _ = browser.post("/login", &[("token", &token(ANA))]).await;
    let session = browser.cookies.values().next().unwrap().clone();
    let conn = app.other_connection();
    let rows = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        conn.query_row(&count, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!((rows("sessions"), rows("sign_in_codes")), (1, 1));
    let dump = std::fs::read(app.directory.path().join("test.db-wal")).unwrap();
    for secret in [&code, &session] {
        let found = dump
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes());
        assert!(!found);
    }
    app.set_clock(later(13 * HOUR));
    let _ = signed_in_later(&app).await;
    assert_eq!((rows("sessions"), rows("sign_in_codes")), (1, 1));
    app.stop().await;
}

/// Signs Carla in, 13 hours later, with a token, and stores a code.
async fn signed_in_later(app: &TestApp) -> Browser {
    use llavero::model::{RandomToken, SignInCode, UserId};
    let mut browser = Browser::new(app);
    let token = crate::support::lasting_token(CARLA);
    assert_eq!(
        browser.post("/login", &[("token", &token)]).await.status,
        303
    );
    let code = SignInCode {
        hash: RandomToken::generate([7; 32]).hash(),
        user: UserId::new(CARLA).unwrap(),
        reusable: false,
        expires_at: later(14 * HOUR),
    };
    app.store
        .create_sign_in_code(code, later(13 * HOUR))
        .await
        .unwrap();
    browser
}
