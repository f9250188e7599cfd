//! The URL of a JWK set.
//!
//! Parsed from `--jwt-jwks`. Invariant: the set arrives unchanged, because the URL is https, or http within this machine.

use std::{fmt, net::IpAddr, str::FromStr};

use hyper::{Uri, http::uri::Scheme};

/// The URL of a JWK set. Displays without its query, which may contain a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetUrl {
    uri: Uri,
    is_https: bool,
}

/// The reason why a text is not the URL of a JWK set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetUrlError {
    /// The text is not an absolute URL.
    #[error("not a URL: write for instance https://issuer.example.com/.well-known/jwks.json")]
    Malformed,
    /// The scheme is not https, and the host is not this machine.
    #[error(
        "a JWK set must be fetched over https, or over http from 127.0.0.1, [::1] or localhost"
    )]
    Insecure,
    /// The URL has a user name.
    #[error("the URL must not contain a user name or a password")]
    Credentials,
}

impl KeySetUrl {
    /// Returns whether `text` is meant as a URL and not as the path of a file.
    #[must_use]
    pub fn is_url(text: &str) -> bool {
        text.contains("://")
    }

    /// Returns the whole URL.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.uri.to_string()
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns the host and the port, for the header `Host`.
    pub(super) fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// Returns the host; an IPv6 address is without brackets.
    pub(super) fn host(&self) -> &str {
        bare_host(&self.uri)
    }

    pub(super) fn port(&self) -> u16 {
        let default = if self.is_https { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(default)
    }

    pub(super) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Returns whether the host is this machine.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

impl FromStr for KeySetUrl {
    type Err = KeySetUrlError;

    fn from_str(text: &str) -> Result<Self, KeySetUrlError> {
        let uri: Uri = text.parse().map_err(|_| KeySetUrlError::Malformed)?;
        let authority = uri.authority().ok_or(KeySetUrlError::Malformed)?;
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let host = bare_host(&uri);
        if host.is_empty() || (authority.port().is_none() && authority.as_str().ends_with(':')) {
            return Err(KeySetUrlError::Malformed);
        }
        let is_local_http = uri.scheme() == Some(&Scheme::HTTP) && is_loopback(host);
        if !is_https && !is_local_http {
            return Err(KeySetUrlError::Insecure);
        }
        if authority.as_str().contains('@') {
            return Err(KeySetUrlError::Credentials);
        }
        Ok(Self { uri, is_https })
    }
}

impl fmt::Display for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        let query = if self.uri.query().is_some() {
            "?…"
        } else {
            ""
        };
        write!(
            f,
            "{scheme}://{}{}{query}",
            self.authority(),
            self.uri.path()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_https_or_within_this_machine() {
        for text in [
            "https://issuer.example.com/.well-known/jwks.json",
            "https://issuer.example.com",
            "https://10.0.0.1:8443/keys",
            "HTTPS://issuer.example.com/",
            "http://127.0.0.1:9999/jwks",
            "http://127.200.0.1/",
            "http://[::1]:80/jwks",
            "http://localhost/jwks",
            "http://LocalHost/jwks",
        ] {
            assert!(text.parse::<KeySetUrl>().is_ok(), "{text}");
        }
        for (text, error) in [
            ("http://issuer.example.com/jwks", KeySetUrlError::Insecure),
            ("http://localhost.example.com/", KeySetUrlError::Insecure),
            ("http://128.0.0.1/", KeySetUrlError::Insecure),
            ("http://0.0.0.0/", KeySetUrlError::Insecure),
            ("http://[::ffff:127.0.0.1]/", KeySetUrlError::Insecure),
            ("http://[::2]/", KeySetUrlError::Insecure),
            ("http://127.1/", KeySetUrlError::Insecure),
            ("http://2130706433/", KeySetUrlError::Insecure),
            ("ftp://127.0.0.1/", KeySetUrlError::Insecure),
            (
                "http://localhost@evil.example.com/",
                KeySetUrlError::Insecure,
            ),
            (
                "https://u:p@issuer.example.com/",
                KeySetUrlError::Credentials,
            ),
            ("https://", KeySetUrlError::Malformed),
            ("https:///jwks", KeySetUrlError::Malformed),
            ("https://a b/", KeySetUrlError::Malformed),
            ("", KeySetUrlError::Malformed),
        ] {
            assert_eq!(text.parse::<KeySetUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn url_has_a_host_without_brackets_and_a_port() {
        for (text, host, port, path) in [
            ("https://a.example/x?y=z", "a.example", 443, "/x?y=z"),
            ("https://a.example:8443", "a.example", 8443, "/"),
            ("http://[::1]/x", "::1", 80, "/x"),
        ] {
            let url: KeySetUrl = text.parse().unwrap();
            assert_eq!(
                (url.host(), url.port(), url.path_and_query()),
                (host, port, path)
            );
        }
    }

    #[test]
    fn url_displays_without_its_query() {
        let url: KeySetUrl = "https://a.example/jwks?apikey=secret".parse().unwrap();
        assert_eq!(url.to_string(), "https://a.example/jwks?…");
        assert!(url.reveal().ends_with("?apikey=secret"));
    }
}
