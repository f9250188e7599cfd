//! Parameters of URLs, and the pages of this server that a visitor may be sent to.
//!
//! Called by the pages. A `next` that could lead to another origin is replaced by the first page.

use poem::Request;
use serde::de::DeserializeOwned;

/// The page after signing in, unless the visitor came from another one.
pub(super) const START: &str = "/dashboard";

/// Parses the parameters of a page. A query that cannot be parsed is an empty one: a link with a mistake still shows the
/// page.
pub(super) fn parse<T: DeserializeOwned + Default>(request: &Request) -> T {
    request.params().unwrap_or_default()
}

/// Returns `path` if it is a path of this server, else [`START`]. Browsers remove control characters from URLs, read `\` as
/// `/`, and take `//host` for another server.
pub(super) fn local_path(path: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    path.filter(is_local).unwrap_or(START)
}

/// Percent-encodes a value of a query.
pub(super) fn encode(value: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_path_stays_on_this_server() {
        for path in ["/", "/dashboard/acme-corp?days=90", "/docs#x", "/x//y"] {
            assert_eq!(local_path(Some(path)), path);
        }
        for path in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/ä",
            "/x y",
        ] {
            assert_eq!(local_path(Some(path)), START, "{path:?}");
        }
        assert_eq!(local_path(None), START);
    }

    #[test]
    fn encode_leaves_unreserved_characters_and_slashes() {
        assert_eq!(encode("/a-b/ñ?x=1&y"), "/a-b/%C3%B1%3Fx%3D1%26y");
    }
}
