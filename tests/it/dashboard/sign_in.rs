//! Signing in: by a link, by a token, and the page that one returns to.

use super::{browser::Browser, code_for, signed_in};
use crate::support::{ANA, CARLA, EVA, TestApp, later, token};
#[cfg(unix)]
use crate::support::{Issuer, KeySource, Reply, Trust};

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn link_shows_a_button_and_works_once() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let code = code_for(&app, ANA).await;
    for _ in 0..3 {
        let page = browser
            .get(&format!("/login?code={code}"))
            .await
            .expect(200);
        assert!(page.text.contains(ANA) && page.text.contains("<button"));
        assert_eq!(page.header("set-cookie"), "");
    }
    let page = browser.post("/login", &[("code", &code)]).await;
    page.expect_redirect("/dashboard");
    let page = browser.get("/dashboard").await;
    page.expect_redirect("/dashboard/acme-corp");

    let mut other = Browser::new(&app);
    let page = other.post("/login", &[("code", &code)]).await.expect(403);
    assert_eq!(page.header("set-cookie"), "");
    assert!(page.text.contains("This sign-in link does not work"));
    let page = other.get(&format!("/login?code={code}")).await.expect(403);
    assert!(!page.text.contains(ANA), "{page:?}");
    app.stop().await;
}

#[tokio::test]
async fn link_works_for_five_minutes() {
    let app = TestApp::demo().await;
    let code = code_for(&app, ANA).await;
    let mut browser = Browser::new(&app);
    app.set_clock(later(5 * MINUTE));
    browser.post("/login", &[("code", &code)]).await.expect(403);
    app.set_clock(later(5 * MINUTE - 1));
    let page = browser.post("/login", &[("code", &code)]).await;
    assert_eq!(page.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn link_of_a_user_who_left_does_not_sign_in_and_is_not_used_up() {
    let app = TestApp::demo().await;
    let code = code_for(&app, CARLA).await;
    let (acme, carla) = app.membership("acme-corp", CARLA).await;
    app.store
        .remove_member(acme, carla.clone(), later(0), true)
        .await
        .unwrap();
    let mut browser = Browser::new(&app);
    let page = browser.post("/login", &[("code", &code)]).await.expect(403);
    assert!(page.text.contains("not a member of any organization"));
    assert!(browser.cookies.is_empty());
    app.store
        .add_member(acme, carla, None, later(0), true)
        .await
        .unwrap();
    let page = browser.post("/login", &[("code", &code)]).await;
    assert_eq!(page.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn token_signs_in_if_the_api_accepts_it() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    for (pasted, problem) in [
        ("", "Paste a sign-in link"),
        ("x", "The token is malformed"),
        (&token(EVA), "not a member of any organization"),
    ] {
        let page = browser
            .post("/login", &[("token", pasted)])
            .await
            .expect(403);
        assert!(page.text.contains(problem), "{page:?}");
        assert!(browser.cookies.is_empty());
    }
    let pasted = format!(" Bearer {}\n", token(CARLA));
    let page = browser.post("/login", &[("token", &pasted)]).await;
    page.expect_redirect("/dashboard");
    browser.get("/dashboard/acme-corp").await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn link_can_be_pasted() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let link = format!(
        "http://localhost:3001/login?code={}",
        code_for(&app, ANA).await
    );
    let form = [("token", link.as_str()), ("next", "/dashboard/initech")];
    let page = browser.post("/login", &form).await;
    page.expect_redirect("/dashboard/initech");
    app.stop().await;
}

#[tokio::test]
async fn visitor_returns_to_the_page_after_signing_in_and_never_to_another_server() {
    let app = TestApp::demo().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/dashboard/acme-corp?days=90").await;
    page.expect_redirect("/login?next=/dashboard/acme-corp%3Fdays%3D90");
    let page = browser.get(page.header("location")).await.expect(200);
    let field = r#"name="next" value="/dashboard/acme-corp?days=90""#;
    assert!(page.text.contains(field), "{page:?}");
    for (next, location) in [
        (
            "/dashboard/acme-corp?days=90",
            "/dashboard/acme-corp?days=90",
        ),
        ("//evil.example", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("https://evil.example", "/dashboard"),
        ("/\r\nSet-Cookie: x=y", "/dashboard"),
    ] {
        let form = [("token", token(ANA)), ("next", next.to_owned())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let page = Browser::new(&app).post("/login", &form).await;
        page.expect_redirect(location);
    }
    app.stop().await;
}

#[tokio::test]
async fn login_page_redirects_a_signed_in_user() {
    let app = TestApp::demo().await;
    let mut browser = signed_in(&app, ANA).await;
    let page = browser.get("/login").await;
    page.expect_redirect("/dashboard");
    let page = Browser::new(&app).get("/login").await.expect(200);
    assert!(page.text.contains("llavero login --user"));
    app.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn token_of_an_issuer_with_a_jwk_set_signs_in_once_the_set_is_known() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::close());
    let url = source.url.clone();
    let with_secret = false;
    let trust = Trust::KeySet { url, with_secret };
    let app = TestApp::demo_in(tempfile::tempdir().unwrap(), trust).await;
    let mut browser = Browser::new(&app);
    let token = issuer.token("a");
    let page = browser.post("/login", &[("token", &token)]).await;
    let text = page.expect(503).text;
    assert!(
        text.contains("The keys of the issuer are not available now."),
        "{text}"
    );
    source.reply(Reply::set(issuer.set("a")));
    app.set_clock(later(2000));
    let page = browser.post("/login", &[("token", &token)]).await;
    page.expect_redirect("/dashboard");
    let forged = Issuer::other_p256().token("a");
    let page = browser.post("/login", &[("token", &forged)]).await;
    let text = page.expect(403).text;
    assert!(text.contains("signature does not match"), "{text}");
    app.stop().await;
}
