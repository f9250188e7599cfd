//! Signing in and out: `/login`.
//!
//! A link from `llavero login` has a code. Opening it shows a button, and only the button uses the code up, so that a
//! preview of the link in a chat does not. A visitor may also paste such a link, or a bearer token that the API accepts.

use std::{sync::Arc, time::Duration};

use maud::{Markup, html};
use poem::{
    Request, Response, Result,
    http::{StatusCode, header},
};
use serde::Deserialize;

use super::{
    form, layout,
    query::{self, local_path},
    response,
    session::{Site, app},
};
use crate::{
    api::ApiError,
    app::App,
    model::{NewSession, RandomToken, SESSION_TTL, SignInOutcome, Timestamp, TokenHash, UserId},
    token::TokenError,
};

const INVALID_CODE: &str =
    "This sign-in link does not work: it was used before, or it has expired. Get a new one.";
const NO_MEMBERSHIP: &str = "This user is not a member of any organization. Ask an owner or the operator of this server to add you.";

/// Returns the link that signs in with `code`.
#[must_use]
pub fn sign_in_link(origin: &str, code: &RandomToken) -> String {
    format!("{origin}/login?code={}", code.reveal())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    code: Option<String>,
    next: Option<String>,
}

/// The form: a code from a link, or a token or a link that was pasted.
#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

/// `GET /login`: a button if the URL has a code, else how to get a link. Uses nothing up.
pub(super) async fn show(site: Arc<Site>, request: Request) -> Result<Response> {
    let app = app(&request)?;
    let Parameters { code, next } = query::parse(&request);
    let next = local_path(next.as_deref());
    let Some(code) = code else {
        if site.session(&app, &request).await?.is_some() {
            return Ok(response::see_other(next));
        }
        return Ok(response::page(StatusCode::OK, without_code(None, next)));
    };
    let user = app
        .store
        .sign_in_code_user(TokenHash::of(&code), app.clock.now())
        .await
        .map_err(ApiError::from)?;
    Ok(match user {
        Some(user) => response::page(StatusCode::OK, with_code(&code, &user, next)),
        None => refused(INVALID_CODE, next),
    })
}

/// `POST /login`: starts a session.
pub(super) async fn sign_in(site: Arc<Site>, request: Request) -> Result<Response> {
    site.check_origin(&request)?;
    let app = app(&request)?;
    let replaces = site.session_token(request.headers());
    let form: SignInForm = form::parse(request).await?;
    let next = local_path(form.next.as_deref());
    let now = app.clock.now();
    let token = RandomToken::generate(app.random.bytes().map_err(ApiError::from)?);
    let session = NewSession {
        hash: token.hash(),
        expires_at: now.after(SESSION_TTL),
        replaces,
    };
    let (outcome, expires_at) = match form.credential() {
        Credential::Code(code) => {
            let code = TokenHash::of(code);
            let outcome = app.store.sign_in_with_code(code, session, now).await;
            (outcome.map_err(ApiError::from)?, session.expires_at)
        }
        Credential::Token(token) => match user_of(&app, token, now).await {
            Ok((user, expiry)) => with_token(&app, user, expiry, session, now).await?,
            Err(Refusal { status, problem }) => {
                return Ok(response::page(
                    status,
                    without_code(Some(&format!("{problem}.")), next),
                ));
            }
        },
    };
    Ok(match outcome {
        SignInOutcome::SignedIn(_) => {
            let cookie = site.set_cookie(token.reveal(), expires_at.since(now));
            with_cookie(response::see_other(next), &cookie)
        }
        SignInOutcome::InvalidCode => refused(INVALID_CODE, next),
        SignInOutcome::NoMembership(_) => refused(NO_MEMBERSHIP, next),
    })
}

/// Starts a session for the user of a token, which ends with the token. Returns when it ends.
async fn with_token(
    app: &App,
    user: UserId,
    expiry: Timestamp,
    session: NewSession,
    now: Timestamp,
) -> Result<(SignInOutcome, Timestamp), ApiError> {
    let expires_at = session.expires_at.min(expiry);
    let session = NewSession {
        expires_at,
        ..session
    };
    let outcome = app.store.sign_in(user, session, now).await?;
    Ok((outcome, expires_at))
}

/// `POST /login/sign-out`: ends the session.
pub(super) async fn sign_out(site: Arc<Site>, request: Request) -> Result<Response> {
    site.check_origin(&request)?;
    let app = app(&request)?;
    if let Some(token) = site.session_token(request.headers()) {
        app.store.end_session(token).await.map_err(ApiError::from)?;
    }
    let cookie = site.set_cookie("", Duration::ZERO);
    Ok(with_cookie(response::see_other("/login"), &cookie))
}

/// What a visitor signs in with.
enum Credential<'a> {
    Code(&'a str),
    Token(&'a str),
}

impl SignInForm {
    fn credential(&self) -> Credential<'_> {
        if let Some(code) = &self.code {
            return Credential::Code(code);
        }
        let pasted = self.token.as_deref().unwrap_or_default().trim();
        match pasted.split_once("/login?code=") {
            Some((_, rest)) => Credential::Code(rest.split(['&', '#']).next().unwrap_or(rest)),
            None => Credential::Token(pasted.strip_prefix("Bearer ").unwrap_or(pasted)),
        }
    }
}

/// The reason why a pasted token does not sign in, for the visitor.
struct Refusal {
    status: StatusCode,
    problem: &'static str,
}

/// Verifies a token as the API does. Returns its user and its expiry.
async fn user_of(app: &App, token: &str, now: Timestamp) -> Result<(UserId, Timestamp), Refusal> {
    let refused = |status, problem| Err(Refusal { status, problem });
    if token.is_empty() {
        let problem = "Paste a sign-in link or a bearer token";
        return refused(StatusCode::FORBIDDEN, problem);
    }
    match app.authenticate(token).await {
        // The API tolerates clocks that differ by 30 seconds; a session cannot end before it starts.
        Ok((_, expiry)) if expiry <= now => {
            refused(StatusCode::FORBIDDEN, TokenError::Expired.description())
        }
        Ok(verified) => Ok(verified),
        Err(error @ TokenError::NoKeySet) => {
            refused(StatusCode::SERVICE_UNAVAILABLE, error.description())
        }
        Err(error) => refused(StatusCode::FORBIDDEN, error.description()),
    }
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn refused(problem: &str, next: &str) -> Response {
    response::page(StatusCode::FORBIDDEN, without_code(Some(problem), next))
}

fn with_code(code: &str, user: &UserId, next: &str) -> Markup {
    layout::plain_page(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            p { "You are about to sign in to llavero as" }
            p { code.user { (user) } }
            form method="post" action="/login" {
                input type="hidden" name="code" value=(code);
                input type="hidden" name="next" value=(next);
                button.primary type="submit" { "Sign in" }
            }
        },
    )
}

fn without_code(problem: Option<&str>, next: &str) -> Markup {
    layout::plain_page(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p {
                "You sign in with a link that the operator of this server sends you. If you are the operator, run this \
                 command beside the database, and open the link that it prints:"
            }
            pre { code { "llavero login --user USER_ID" } }
            p.soft { "A link works once, within 5 minutes." }
            form method="post" action="/login" {
                label for="token" { "Or paste a sign-in link, or a bearer token that the API accepts" }
                input #token type="password" name="token" required autocomplete="off" spellcheck="false";
                input type="hidden" name="next" value=(next);
                button.primary type="submit" { "Sign in" }
            }
        },
    )
}
