//! The base path: the path that the API is served under, `/api` by default.
//!
//! Parsed from `--base-path` and from `openapi --server URL`. A base path never equals a path that is served beside the
//! API.

use std::str::FromStr;

use super::{
    endpoint::{DOCS, HEALTHZ, READYZ},
    html_pages::is_page,
};

/// The path that the API is served under: empty, or `/` and segments of unreserved characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

/// A text is not a valid base path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a base path is `/` or looks like `/api`: letters, digits, `-`, `.`, `_`, `~`, and not {DOCS}, {HEALTHZ}, {READYZ}, /dashboard or \
     /login"
)]
pub struct BasePathError;

impl FromStr for BasePath {
    type Err = BasePathError;

    fn from_str(text: &str) -> Result<Self, BasePathError> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let valid_segment =
            |s: &str| !s.is_empty() && s.chars().all(unreserved) && s != "." && s != "..";
        let is_taken = [DOCS, HEALTHZ, READYZ].contains(&path) || is_page(path);
        let is_valid = path
            .strip_prefix('/')
            .map_or(path.is_empty(), |rest| rest.split('/').all(valid_segment));
        if is_valid && !is_taken {
            Ok(Self(path.to_owned()))
        } else {
            Err(BasePathError)
        }
    }
}

impl BasePath {
    /// The empty base path.
    pub(super) const fn root() -> Self {
        Self(String::new())
    }

    /// The path without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `path` under this base path.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_path_consists_of_unreserved_segments() {
        for (text, path) in [
            ("/api", "/api"),
            ("/api/", "/api"),
            ("/v1/api", "/v1/api"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), path);
        }
        for text in [
            "api",
            "//",
            "/a//b",
            "/:id",
            "/*",
            "/<x>",
            "/a b",
            "/docs",
            "/..",
            "/ä",
            "/dashboard",
            "/login/api",
        ] {
            assert_eq!(text.parse::<BasePath>(), Err(BasePathError), "{text}");
        }
    }
}
