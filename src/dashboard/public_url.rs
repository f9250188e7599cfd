//! The origin at which browsers reach the server: `--public-url`.
//!
//! `serve` records it in the database, so that `llavero login` prints links to the right server. Cookies are `Secure` if
//! its scheme is https.

use std::{fmt, str::FromStr};

use crate::api::Origin;

/// An origin with the scheme http or https, written as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// A text is not the origin of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write the scheme and the host as browsers do, without a path, for instance https://keys.example.com"
)]
pub struct PublicUrlError;

impl PublicUrl {
    /// Returns the origin, without a final slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether browsers reach the server over https.
    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let origin = text.strip_suffix('/').unwrap_or(text);
        let is_web = origin.starts_with("http://") || origin.starts_with("https://");
        let is_valid = is_web && origin.parse::<Origin>().is_ok();
        is_valid
            .then(|| Self(origin.to_owned()))
            .ok_or(PublicUrlError)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_url_is_an_origin_of_the_web() {
        for (text, origin) in [
            ("https://keys.example.com", "https://keys.example.com"),
            ("https://keys.example.com/", "https://keys.example.com"),
            ("http://192.0.2.1:3001", "http://192.0.2.1:3001"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), origin);
        }
        for text in [
            "",
            "keys.example.com",
            "ftp://keys.example.com",
            "https://keys.example.com/x",
            "https://keys.example.com//",
            "https://KEYS.example.com",
            "https://keys.example.com:443",
            "https://keys.example.com?x",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(PublicUrlError), "{text}");
        }
    }
}
