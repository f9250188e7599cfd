//! The dashboard: its pages as a browser requests them, without scripts. `.ci/dashboard` opens them in Chromium.

mod audit;
mod browser;
mod changes;
mod forgery;
mod lists;
mod pages;
mod session;
mod sign_in;

use std::time::Duration;

use llavero::model::{RandomToken, SignInCode, UserId};

use self::browser::Browser;
use crate::support::{NOW, TestApp};

/// A code that signs `user` in once, within five minutes from [`NOW`].
async fn code_for(app: &TestApp, user: &str) -> String {
    let code = RandomToken::generate(rand(user));
    let stored = SignInCode {
        hash: code.hash(),
        user: UserId::new(user).unwrap(),
        reusable: false,
        expires_at: NOW.after(Duration::from_mins(5)),
    };
    app.store.create_sign_in_code(stored, NOW).await.unwrap();
    code.reveal().to_owned()
}

/// 32 bytes that differ from user to user.
fn rand(user: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let user = user.as_bytes();
    bytes[..user.len().min(32)].copy_from_slice(&user[..user.len().min(32)]);
    bytes
}

/// A browser in which `user` is signed in.
async fn signed_in(app: &TestApp, user: &str) -> Browser {
    let mut browser = Browser::new(app);
    let code = code_for(app, user).await;
    let page = browser.post("/login", &[("code", &code)]).await;
    assert_eq!(page.status, 303, "{page:?}");
    browser
}
