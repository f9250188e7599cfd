//! Refuses a change that was not sent by a page of this server (cross-site request forgery).
//!
//! Called for every POST, before the session and the body are looked at. Browsers send `Sec-Fetch-Site` to https and to
//! loopback addresses. Over plain http to another address they do not, so `Origin` is compared there.

use poem::http::{HeaderMap, HeaderName, StatusCode, header};

use super::public_url::PublicUrl;
use crate::api::{ApiError, exactly_one};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const CROSS_ORIGIN: ApiError = ApiError::Other {
    status: StatusCode::FORBIDDEN,
    example_name: "cross-origin",
    message: "The form was not sent by a page of this server.",
};

/// Fails unless the request was sent by a page of this server, which browsers reach at `public_url`, or else at the `Host`
/// of the request over http.
pub(super) fn check(headers: &HeaderMap, public_url: Option<&PublicUrl>) -> Result<(), ApiError> {
    let is_same = if headers.contains_key(SEC_FETCH_SITE) {
        only(headers, &SEC_FETCH_SITE) == Some("same-origin")
    } else {
        let host = || only(headers, &header::HOST).map(|host| format!("http://{host}"));
        let own = public_url.map(|url| url.as_str().to_owned()).or_else(host);
        own.is_some() && only(headers, &header::ORIGIN) == own.as_deref()
    };
    is_same.then_some(()).ok_or(CROSS_ORIGIN)
}

/// Returns the value of a header that was sent exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    exactly_one(headers.get_all(name))?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &str) = ("host", "10.0.0.1:3001");

    fn is_accepted(sent: &[(&'static str, &'static str)], public_url: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        let public_url = public_url.map(|url| url.parse().unwrap());
        check(&headers, public_url.as_ref()).is_ok()
    }

    #[test]
    fn change_is_accepted_from_the_same_origin_only() {
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        let public = Some("https://keys.example.com");
        for (sent, public_url, expected) in [
            (&[HOST, site("same-origin")][..], None, true),
            (&[HOST, site("same-origin"), origin("null")], public, true),
            (&[HOST, site("same-site")], None, false),
            (&[HOST, site("cross-site")], None, false),
            (&[HOST, site("none")], None, false),
            (&[HOST, site("")], None, false),
            (&[HOST, site("same-origin"), site("none")], None, false),
            (
                &[HOST, site("cross-site"), origin("http://10.0.0.1:3001")],
                None,
                false,
            ),
            (&[HOST, origin("http://10.0.0.1:3001")], None, true),
            (&[HOST, origin("https://10.0.0.1:3001")], None, false),
            (&[HOST, origin("http://10.0.0.1:3002")], None, false),
            (&[HOST, origin("http://10.0.0.1")], None, false),
            (&[HOST, origin("null")], None, false),
            (&[HOST, origin("")], None, false),
            (&[HOST], None, false),
            (&[], None, false),
            (
                &[
                    HOST,
                    origin("http://10.0.0.1:3001"),
                    origin("http://10.0.0.1:3001"),
                ],
                None,
                false,
            ),
            (&[HOST, origin("https://keys.example.com")], public, true),
            (&[HOST, origin("http://keys.example.com")], public, false),
            (&[HOST, origin("http://10.0.0.1:3001")], public, false),
        ] {
            assert_eq!(is_accepted(sent, public_url), expected, "{sent:?}");
        }
    }
}
