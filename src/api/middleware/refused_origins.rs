//! A hint in the log when a browser keeps a response from a web page because of the page's origin.
//!
//! Called by [`super::Middleware`] for requests whose origin CORS does not allow. The browser tells the page no reason, so
//! that developers look for it in the log. Invariant: at most one line per origin, and at most [`MAX_ORIGINS`] lines per
//! process, because any client can send any origin.

use std::sync::{Mutex, PoisonError};

use poem::http::{HeaderMap, header};

use super::origin::Origin;
use crate::model::contains_secret;

/// The maximum number of origins that are logged. A developer has few.
const MAX_ORIGINS: usize = 16;

/// The maximum length of an origin, in bytes: a domain name of 253 bytes, a scheme and a port.
const MAX_LENGTH: usize = 280;

/// The origins that were logged.
#[derive(Default)]
pub(super) struct RefusedOrigins(Mutex<Vec<String>>);

impl RefusedOrigins {
    /// Logs the origin of a request that CORS does not allow, unless it was logged before.
    pub(super) fn log(&self, headers: &HeaderMap) {
        let Some(origin) = refused_origin(headers) else {
            return;
        };
        if self.is_new(origin) {
            tracing::info!(
                origin,
                hint = format!("--cors-origin {origin}"),
                "a web page of this origin cannot read responses; the flag in `hint` allows it"
            );
        }
    }

    /// Remembers an origin. Returns whether it is new and there was room for it.
    fn is_new(&self, origin: &str) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = logged.len() < MAX_ORIGINS && !logged.iter().any(|known| known == origin);
        if is_new {
            logged.push(origin.to_owned());
        }
        is_new
    }
}

/// Returns the origin of a page to which the browser does not give the response. `None` for a page of the server itself,
/// which sends its origin with some requests too, and for an origin that `--cors-origin` does not take.
fn refused_origin(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    if origin.len() > MAX_LENGTH || contains_secret(origin) {
        return None;
    }
    origin.parse::<Origin>().ok()?;
    (!is_same_origin(origin, headers)).then_some(origin)
}

/// Returns whether the page is of this server. Without the header `Sec-Fetch-Site`, which browsers send to `https` and
/// localhost only, compares the hosts: behind a proxy for TLS, the schemes differ.
fn is_same_origin(origin: &str, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority == host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn refused_origin_is_one_of_a_page_of_another_server() {
        let host = ("host", "localhost:3001");
        let app = "http://localhost:5173";
        let own = "http://localhost:3001";
        for (lines, expected) in [
            (&[host, ("origin", app)][..], Some(app)),
            (&[host], None),
            (&[host, ("origin", own)], None),
            // The proxy ends TLS and keeps the host.
            (
                &[("host", "keys.example"), ("origin", "https://keys.example")],
                None,
            ),
            (
                &[host, ("origin", app), ("sec-fetch-site", "same-site")],
                Some(app),
            ),
            (
                &[host, ("origin", app), ("sec-fetch-site", "cross-site")],
                Some(app),
            ),
            // The proxy changes the host.
            (
                &[host, ("origin", app), ("sec-fetch-site", "same-origin")],
                None,
            ),
            (&[host, ("origin", "null")], None),
            (&[host, ("origin", "not an origin")], None),
        ] {
            assert_eq!(refused_origin(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn refused_origin_is_not_longer_than_a_domain_name() {
        let mut headers = HeaderMap::new();
        let long = format!("http://{}", "a.".repeat(200) + "example");
        headers.insert(header::ORIGIN, long.parse().unwrap());
        assert_eq!(refused_origin(&headers), None);
    }

    #[test]
    fn origin_is_new_once_and_sixteen_origins_are() {
        let origins = RefusedOrigins::default();
        let new = (0..40).filter(|n| {
            let origin = format!("http://localhost:{n}");
            let is_new = origins.is_new(&origin);
            assert!(!origins.is_new(&origin), "{n}");
            is_new
        });
        assert_eq!(new.count(), MAX_ORIGINS);
    }
}
