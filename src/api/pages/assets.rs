//! The stylesheet and the script of all pages: those of the dashboard, and the start page of the sandbox.
//!
//! Served by [`crate::api::endpoint()`] beside every API; pages link to [`Asset::path`]. Invariant: a path contains a hash of
//! the text, so that browsers keep the text until it changes, and never keep a wrong one.

use std::{fmt::Write, sync::LazyLock};

use hyper::body::Bytes;
use poem::{Endpoint, Request, Response, Result, http::header};

use crate::model::sha256;

/// The stylesheet.
pub(in crate::api) static STYLESHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css", include_str!("style.css")));

/// The script. A page is complete without it.
pub(in crate::api) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("script", "js", "text/javascript", include_str!("script.js")));

/// A text that pages link to.
pub(in crate::api) struct Asset {
    path: String,
    media_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, text: &'static str) -> Self {
        let hash = sha256(text.as_bytes());
        let hash = hash[..8].iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self {
            path: format!("/assets/{name}.{hash}.{extension}"),
            media_type,
            text,
        }
    }

    /// Returns the path of the text on this server.
    pub(in crate::api) fn path(&self) -> &str {
        &self.path
    }
}

impl Endpoint for Asset {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Response::builder()
            .content_type(format!("{}; charset=utf-8", self.media_type))
            .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
            .body(Bytes::from_static(self.text.as_bytes())))
    }
}
