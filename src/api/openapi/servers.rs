//! The list of servers in the document.
//!
//! The document has upstream's two. Served, it has a relative URL first, which names the server that it was fetched
//! from behind any host, port or proxy. `llavero openapi --server URL` puts an absolute URL first.

use std::str::FromStr;

use poem::http::Uri;
use serde_json::{Value, json};

use crate::api::base_path::BasePath;

/// The absolute URL of an API, without a trailing slash: `https://keys.example.com/api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    origin: String,
    base: BasePath,
}

/// A text is not the URL of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write an http or https URL without a query, for instance https://keys.example.com/api")]
pub struct ServerUrlError;

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let url: Uri = text.parse().map_err(|_| ServerUrlError)?;
        let scheme = url
            .scheme_str()
            .filter(|scheme| ["http", "https"].contains(scheme));
        let authority = url
            .authority()
            .filter(|authority| !authority.host().is_empty());
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(ServerUrlError);
        };
        // `Uri` drops a fragment.
        if authority.as_str().contains('@') || text.contains(['?', '#']) {
            return Err(ServerUrlError);
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            base: url.path().parse().map_err(|_| ServerUrlError)?,
        })
    }
}

impl ServerUrl {
    /// The URL of an API under `base` at `origin`.
    pub(in crate::api) fn new(origin: &str, base: &BasePath) -> Self {
        Self {
            origin: origin.to_owned(),
            base: base.clone(),
        }
    }

    /// Its path.
    pub(in crate::api) fn base(&self) -> &BasePath {
        &self.base
    }
}

impl std::fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.base.as_str())
    }
}

/// Puts the server that serves the document first: a relative URL, the base path.
pub(in crate::api) fn put_this_server_first(document: &mut Value, base: &BasePath) {
    let url = match base.as_str() {
        "" => "/",
        path => path,
    };
    put_first(
        document,
        &json!({ "url": url, "description": "This server" }),
    );
}

/// Puts the server at `url` first, or moves it there.
pub(in crate::api) fn put_server_first(document: &mut Value, url: &ServerUrl) {
    put_first(document, &json!({ "url": url.to_string() }));
}

fn put_first(document: &mut Value, server: &Value) {
    if let Some(servers) = document["servers"].as_array_mut() {
        servers.retain(|other| other["url"] != server["url"]);
        servers.insert(0, server.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_url_is_an_absolute_http_url_without_a_trailing_slash() {
        for (text, url) in [
            ("http://localhost:3001/api", "http://localhost:3001/api"),
            ("https://keys.example.com", "https://keys.example.com"),
            ("https://keys.example.com/", "https://keys.example.com"),
            (
                "https://keys.example.com/v1/api/",
                "https://keys.example.com/v1/api",
            ),
            ("http://[::1]:8080/api", "http://[::1]:8080/api"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), url);
        }
        for text in [
            "",
            "/api",
            "keys.example.com",
            "keys.example.com/api",
            "ftp://keys.example.com",
            "http://",
            "http:///api",
            "http://user@keys.example.com",
            "http://keys.example.com/api?x=1",
            "http://keys.example.com/api#x",
            "http://keys.example.com/{tenant}",
            "http://keys.example.com/it's",
            "http://keys.example.com//api",
            "http://keys example.com",
        ] {
            assert_eq!(text.parse::<ServerUrl>(), Err(ServerUrlError), "{text}");
        }
    }
}
