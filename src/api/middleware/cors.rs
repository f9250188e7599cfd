//! Cross-origin requests: which web pages of other origins a browser may let use the API.
//!
//! Called by the envelope, so that every answer says it, errors and panics too. poem's own middleware panics on an
//! `Origin` that is not ASCII when any origin is allowed. Sources: the Fetch standard, "CORS protocol"; the WICG's
//! Private Network Access, whose preflight Chromium sends.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
    str::FromStr,
};

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};

/// Methods that requests may have; of those that no operation has, a page can read the 405.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// Headers that requests may have besides those that every request may.
const REQUEST_HEADERS: &str =
    "Authorization, Content-Type, X-API-Key, X-Request-Id, Prefer, X-Sandbox-Session";

/// Headers of answers that a page may read besides those that it always may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Allow, Location, Preference-Applied, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, \
     WWW-Authenticate, X-Error-Message, X-Key-Id, X-Key-Scopes, X-Organization-Id, X-Request-Id",
);

/// How long a browser may remember the answer to a preflight, in seconds: as long as Chromium does at most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const TRUE: HeaderValue = HeaderValue::from_static("true");

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// An origin as browsers write it: scheme, host, and the port if it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write an origin as browsers do, like https://app.example.com or http://localhost:5173: in lower case, without a \
     path, a final slash, or the scheme's own port"
)]
pub struct OriginError;

/// Which origins are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// These and no others; none of them, if the list is empty.
    Only(Vec<Origin>),
    /// These, and the loopback origins: `http://localhost`, `http://127.0.0.1` and `http://[::1]`, on any port.
    LoopbackAnd(Vec<Origin>),
    /// Any, with whatever headers it likes.
    Any,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let scheme_is_fit = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| is_plain(c) || "+-.".contains(c));
        let in_brackets = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host_is_fit = match in_brackets {
            Some(address) => is_written_so::<Ipv6Addr>(address),
            // What ends in a number is an address: https://url.spec.whatwg.org/#host-parsing
            None if ends_in_a_number(host) => is_written_so::<Ipv4Addr>(host),
            None => host.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| is_plain(c) || "-_".contains(c))
            }),
        };
        let port_is_fit = port.is_none_or(|port| {
            let of_the_scheme = matches!((scheme, port), ("http", "80") | ("https", "443"));
            is_written_so::<NonZeroU16>(port) && !of_the_scheme
        });
        if !(scheme_is_fit && host_is_fit && port_is_fit) {
            return Err(OriginError);
        }
        text.parse().map(Self).map_err(|_| OriginError)
    }
}

/// Whether a text is a `T`, written the one way that browsers write it.
fn is_written_so<T: FromStr + ToString>(text: &str) -> bool {
    let value = text.parse::<T>();
    value.is_ok_and(|value| value.to_string() == text)
}

fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    match last.strip_prefix("0x") {
        Some(hexadecimal) => hexadecimal.chars().all(|c| c.is_ascii_hexdigit()),
        None => !last.is_empty() && last.chars().all(|c| c.is_ascii_digit()),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// Whether an origin is that of a page that this machine serves over http.
fn is_loopback(origin: &HeaderValue) -> bool {
    let text = origin.to_str().unwrap_or_default();
    let port = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
        .iter()
        .find_map(|host| text.strip_prefix(host));
    port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
        && text.parse::<Origin>().is_ok()
}

impl Cors {
    /// The origin of a request, if it is one that may read the answer.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let is_one_of = |origins: &[Origin]| origins.iter().any(|Origin(known)| known == origin);
        let allowed = match self {
            Self::Only(origins) => is_one_of(origins),
            Self::LoopbackAnd(origins) => is_one_of(origins) || is_loopback(origin),
            // No browser sends nothing, or what is not ASCII.
            Self::Any => !origin.is_empty() && origin.to_str().is_ok(),
        };
        allowed.then(|| origin.clone())
    }

    /// The answer to a preflight from an allowed origin: a browser's question whether it may send a request, which
    /// comes without the token that the request would have. What is asked for need not exist: the page will read
    /// the 404.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let asked = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        self.allowed(asked)?;
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            self.request_headers(asked),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if asked.get(REQUEST_PRIVATE_NETWORK) == Some(&TRUE) {
            headers.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        Some(response)
    }

    /// The headers that a request may have: ours, and those that it wants to have where any may come.
    fn request_headers(&self, asked: &HeaderMap) -> HeaderValue {
        let ours = HeaderValue::from_static(REQUEST_HEADERS);
        let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let wanted = wanted.and_then(|names| names.to_str().ok());
        match (self, wanted) {
            (Self::Any, Some(wanted)) if !wanted.is_empty() => {
                format!("{REQUEST_HEADERS}, {wanted}")
                    .parse()
                    .unwrap_or(ours)
            }
            _ => ours,
        }
    }

    /// Adds the headers that let a page at `origin`, which is [allowed](Self::allowed), read the response. Never allows
    /// credentials: nothing here reads a cookie, and a token is sent in a header by the page itself.
    pub(crate) fn seal(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if *self == Self::Only(Vec::new()) {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for text in [
            "http://localhost:5173",
            "https://app.example.com",
            "http://127.0.0.1:8080",
            "http://3d-viewer:8080",
            "http://7a3f9c2b1d4e:3000",
            "http://[::1]:3000",
            "http://[::1]",
            "capacitor://localhost",
            "https://xn--mnchen-3ya.example",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "null",
            "localhost:5173",
            "http://",
            "http://localhost:5173/",
            "https://app.example.com/docs",
            "https://App.example.com",
            "https://münchen.example",
            "http://localhost:80",
            "https://app.example.com:443",
            "http://localhost:",
            "http://localhost:05173",
            "http://localhost:99999",
            "http://localhost:0",
            "http://a b",
            "http://*.example.com",
            "http://[::1",
            "http://[0:0:0:0:0:0:0:1]:3000",
            "http://[2001:DB8::1]",
            "http://127.1",
            "http://127.0.0.0x1",
            "http://a..b",
            "http://localhost.",
            "http://user@host",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
