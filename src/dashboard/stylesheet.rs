//! The stylesheet. Its path contains a hash of its text, so that browsers keep it until it changes.

use std::{fmt::Write, sync::LazyLock};

use aws_lc_rs::digest;
use hyper::body::Bytes;
use poem::{Response, http::header};

const STYLE: &str = include_str!("style.css");

static PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = digest::digest(&digest::SHA256, STYLE.as_bytes());
    let hash = hash.as_ref().iter().take(8);
    let hex = hash.fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    // No slug contains a full stop.
    format!("/dashboard/style.{hex}.css")
});

/// Returns the path of the stylesheet.
pub(super) fn path() -> &'static str {
    &PATH
}

/// The response to a GET of the stylesheet.
pub(super) fn response() -> Response {
    Response::builder()
        .content_type("text/css; charset=utf-8")
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .body(Bytes::from_static(STYLE.as_bytes()))
}
