//! `GET /docs`: the interactive reference, Swagger UI, embedded in the binary, so it needs no internet.
//!
//! The page carries the document with this server first in the list of servers: what a reader tries there
//! goes here.

use std::sync::OnceLock;

use hyper::body::Bytes;
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderValue, header},
};
use poem_openapi::OpenApiService;
use serde_json::{Value, json};

use crate::api::{openapi::TITLE, routes::BasePath};

/// Scripts and styles stand in the page itself and are all that it may run; it may speak to this server only.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page, made when somebody first asks for it: it is large, and most servers are never asked.
pub(crate) struct Page {
    document: String,
    html: OnceLock<Bytes>,
}

impl Page {
    /// The reference to `document` for an API under `base` on the server that the page comes from.
    pub(crate) fn new(mut document: Value, base: &BasePath) -> Self {
        if let Some(servers) = document["servers"].as_array_mut() {
            let url = if base.as_str().is_empty() {
                "/"
            } else {
                base.as_str()
            };
            servers.insert(0, json!({ "url": url, "description": "This server" }));
        }
        Self {
            // A script ends at the first `</`, wherever that stands.
            document: document.to_string().replace("</", "<\\/"),
            html: OnceLock::new(),
        }
    }

    /// poem-openapi makes the page for a document of its own making alone: make an empty one, and swap it.
    fn html(&self) -> Bytes {
        let empty = OpenApiService::new((), TITLE, "");
        let page = empty
            .swagger_ui_html()
            .replacen(&empty.spec(), &self.document, 1)
            .replacen(
                "<title>Swagger UI</title>",
                &format!("<title>{TITLE}</title>"),
                1,
            );
        format!("<!doctype html>{page}").into()
    }
}

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let html = self.html.get_or_init(|| self.html());
        Ok(Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
            .header(header::CACHE_CONTROL, "no-cache")
            .body(html.clone()))
    }
}
