//! An origin, as browsers send it in the header `Origin`.
//!
//! Parsed from `--cors-origin`. An origin that no browser sends is rejected, because it would never match.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
    str::FromStr,
};

use poem::http::HeaderValue;

/// An origin: scheme, host, and the port if it is not the scheme's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub(super) HeaderValue);

/// A text is not an origin that a browser sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write an origin as browsers do, like https://app.example.com or http://localhost:5173: in lower case, without a \
     path, a final slash, or the scheme's own port"
)]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| is_plain(c) || "+-.".contains(c));
        let in_brackets = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let valid_host = match in_brackets {
            Some(address) => is_canonical::<Ipv6Addr>(address),
            // A host that ends in a number is an address: https://url.spec.whatwg.org/#host-parsing
            None if ends_in_a_number(host) => is_canonical::<Ipv4Addr>(host),
            None => host.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| is_plain(c) || "-_".contains(c))
            }),
        };
        let valid_port = port.is_none_or(|port| {
            let is_default = matches!((scheme, port), ("http", "80") | ("https", "443"));
            is_canonical::<NonZeroU16>(port) && !is_default
        });
        if !(valid_scheme && valid_host && valid_port) {
            return Err(OriginError);
        }
        text.parse().map(Self).map_err(|_| OriginError)
    }
}

/// Returns whether `text` is a `T` in its canonical form, which browsers send.
fn is_canonical<T: FromStr + ToString>(text: &str) -> bool {
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

/// Returns whether an origin is a loopback address, over http.
pub(super) fn is_loopback(origin: &HeaderValue) -> bool {
    let text = origin.to_str().unwrap_or_default();
    let port = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
        .iter()
        .find_map(|host| text.strip_prefix(host));
    port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
        && text.parse::<Origin>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_canonical_text_that_browsers_send() {
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
