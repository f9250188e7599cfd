//! The session of a request: the cookie that has its token, and the user whom it signs in.
//!
//! [`signed_in`] is around every page but those of [`super::login`]. Invariant: a POST that another origin's page has sent
//! is refused before the session is looked at; the session is read from the database for every request, so that it ends
//! at once.

use std::{sync::Arc, time::Duration};

use poem::{
    Endpoint, FromRequest, Request, Response, Result,
    endpoint::make,
    http::{HeaderMap, Method, header},
    web::Path,
};
use serde::de::DeserializeOwned;

use super::{
    public_url::PublicUrl,
    query::{START, encode},
    response::see_other,
    same_origin,
};
use crate::{
    api::{ApiError, BasePath, LoggedUser},
    app::App,
    model::{Actor, ApiKey, KeyId, Session, Timestamp, TokenHash, UserMembership},
};

/// How browsers reach this server.
pub(super) struct Site {
    /// `--public-url`.
    pub(super) public_url: Option<PublicUrl>,
    /// The base path of the API.
    pub(super) base: BasePath,
}

impl Site {
    /// Returns the name of the cookie. Browsers accept the prefix `__Host-` only with `Secure`, and then no other server
    /// can set it.
    fn cookie_name(&self) -> &'static str {
        if self.is_https() {
            "__Host-llavero_session"
        } else {
            "llavero_session"
        }
    }

    fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Returns a `Set-Cookie` that keeps `token` for `lifetime`; zero removes the cookie.
    pub(super) fn set_cookie(&self, token: &str, lifetime: Duration) -> String {
        let name = self.cookie_name();
        let seconds = lifetime.as_secs();
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{name}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}")
    }

    /// Returns the hash of the session token that a request sends.
    pub(super) fn session_token(&self, headers: &HeaderMap) -> Option<TokenHash> {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut cookies = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let token = cookies.find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='));
        token.map(TokenHash::of)
    }

    /// Returns the origin of this server as the sender of `headers` knows it.
    fn origin(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        // Other characters, such as a quote, would change the meaning of a `curl` line.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.filter(|host| host.bytes().all(is_plain));
        format!("http://{}", host.unwrap_or("localhost:3001"))
    }

    /// Refuses a change that was not sent by a page of this server.
    pub(super) fn check_origin(&self, request: &Request) -> Result<(), ApiError> {
        if request.method() == Method::POST {
            same_origin::check(request.headers(), self.public_url.as_ref())?;
        }
        Ok(())
    }

    /// Returns the session of a request, and records its user for the log.
    pub(super) async fn session(&self, app: &App, request: &Request) -> Result<Option<Session>> {
        let Some(token) = self.session_token(request.headers()) else {
            return Ok(None);
        };
        let session = app.store.session(token, app.clock.now()).await;
        let session = session.map_err(ApiError::from)?;
        if let (Some(session), Some(logged)) = (&session, request.data::<LoggedUser>()) {
            logged.set(&session.user);
        }
        Ok(session)
    }
}

/// A request of a signed-in user.
pub(super) struct Visit {
    pub(super) app: App,
    pub(super) session: Session,
    pub(super) request: Request,
    pub(super) now: Timestamp,
    /// The path of the request.
    pub(super) path: String,
    /// The URL of the API, as the browser knows it.
    pub(super) api_url: String,
}

impl Visit {
    /// Returns the parameters of the path.
    pub(super) async fn path<T: DeserializeOwned + Send>(&self) -> Result<T> {
        let Path(parameters) = Path::<T>::from_request_without_body(&self.request).await?;
        Ok(parameters)
    }

    /// Returns the path of the keys of an organization.
    pub(super) fn keys_path(slug: &str) -> String {
        format!("{START}/{slug}/keys")
    }

    /// Returns the path of a key of an organization.
    pub(super) fn key_path(slug: &str, id: KeyId) -> String {
        format!("{}/{}", Self::keys_path(slug), id.0)
    }

    /// Returns the user as the actor of a change.
    pub(super) fn actor(&self) -> Actor {
        Actor::User(self.session.user.clone())
    }

    /// Reads a key of an organization, as every member may.
    pub(super) async fn key(&self, membership: &UserMembership, id: &str) -> Result<ApiKey> {
        let organization = membership.organization_ref();
        let (user, id) = (self.session.user.clone(), KeyId::parse_or_nil(id));
        let key = self.app.store.key(organization, user, id, self.now, None);
        Ok(key.await.map_err(ApiError::from)?)
    }

    /// Returns the user's membership, whose role may manage keys. The store checks the role again when it changes a key.
    ///
    /// # Errors
    /// As [`Self::membership`], and [`ApiError::RoleTooLow`].
    pub(super) fn manager(&self, slug: &str) -> Result<&UserMembership, ApiError> {
        let membership = self.membership(slug)?;
        if membership.role.manages_keys() {
            Ok(membership)
        } else {
            Err(ApiError::RoleTooLow)
        }
    }

    /// Returns the user's membership in the organization with this slug.
    ///
    /// # Errors
    /// [`ApiError::NotAMember`], also if the organization does not exist.
    pub(super) fn membership(&self, slug: &str) -> Result<&UserMembership, ApiError> {
        let mut memberships = self.session.memberships.iter();
        memberships
            .find(|membership| membership.organization.slug.as_str() == slug)
            .ok_or(ApiError::NotAMember)
    }
}

/// Returns an endpoint for signed-in users. Redirects other visitors to sign in, and back afterwards.
pub(super) fn signed_in<F>(
    site: &Arc<Site>,
    page: impl Fn(Visit) -> F + Send + Sync + 'static,
) -> impl Endpoint<Output = Response> + 'static
where
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let (site, page) = (Arc::clone(site), Arc::new(page));
    make(move |request| {
        let (site, page) = (Arc::clone(&site), Arc::clone(&page));
        async move {
            site.check_origin(&request)?;
            let app = app(&request)?;
            let Some(session) = site.session(&app, &request).await? else {
                return Ok(see_other(&login_path(&request)));
            };
            let now = app.clock.now();
            let visit = Visit {
                path: request.uri().path().to_owned(),
                api_url: site.origin(request.headers()) + site.base.as_str(),
                app,
                session,
                request,
                now,
            };
            page(visit).await
        }
    })
}

/// Returns the application, from the data of the request.
pub(super) fn app(request: &Request) -> Result<App, ApiError> {
    let app: Option<&App> = request.data();
    app.cloned().ok_or_else(|| ApiError::Internal {
        cause: "no application in the request's data".to_owned(),
    })
}

fn login_path(request: &Request) -> String {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    format!("/login?next={}", encode(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(public_url: Option<&str>) -> Site {
        Site {
            public_url: public_url.map(|url| url.parse().unwrap()),
            base: "/api".parse().unwrap(),
        }
    }

    #[test]
    fn cookie_is_secure_and_bound_to_the_host_under_https() {
        let hour = Duration::from_hours(1);
        for public_url in [None, Some("http://10.0.0.1:3001")] {
            assert_eq!(
                site(public_url).set_cookie("x", hour),
                "llavero_session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600"
            );
        }
        assert_eq!(
            site(Some("https://keys.example.com")).set_cookie("x", hour),
            "__Host-llavero_session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600; Secure"
        );
    }

    #[test]
    fn session_token_is_the_value_of_the_cookie_with_the_name() {
        let token = |sent: &[&'static str]| {
            let cookies = sent
                .iter()
                .map(|value| (header::COOKIE, value.parse().unwrap()));
            site(None).session_token(&cookies.collect())
        };
        let expected = Some(TokenHash::of("x"));
        assert_eq!(token(&["llavero_session=x"]), expected);
        assert_eq!(token(&["a=b; llavero_session=x; c=d"]), expected);
        assert_eq!(token(&["a=b;llavero_session=x"]), expected);
        assert_eq!(token(&["llavero_session2=y; llavero_session=x"]), expected);
        assert_eq!(token(&["__Host-llavero_session=x"]), None);
        assert_eq!(token(&["llavero_session"]), None);
        assert_eq!(token(&[]), None);
    }
}
