//! `GET /docs`: the interactive reference. Swagger UI is embedded in the binary and needs no internet.
//!
//! The page has the served document, with a title and a description of its own, and without the tags that have no
//! operations: Swagger UI would show each of them as an empty section.

use std::{collections::HashSet, sync::OnceLock};

use hyper::body::Bytes;
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderValue, header},
};
use poem_openapi::OpenApiService;
use serde_json::{Value, json};

/// The page's title.
const TITLE: &str = "llavero";

/// Permits the page's inline scripts and styles, and connections to this server only.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page. It is large and rarely requested, so it is rendered at the first request.
pub(crate) struct Page {
    document: String,
    html: OnceLock<Bytes>,
}

impl Page {
    /// Creates the reference to the served `document`. `token_hint` is a sentence that tells where tokens come from.
    pub(crate) fn new(mut document: Value, token_hint: &str) -> Self {
        document["info"]["title"] = json!(TITLE);
        document["info"]["description"] = json!(format!(
            "Manages API keys, validates them and counts their use. To send requests from this page, press **Authorize** \
             and enter a bearer token. {token_hint} This browser keeps the token until you log out."
        ));
        remove_empty_tags(&mut document);
        Self {
            // A script element ends at the first `</`, even inside a string.
            document: document.to_string().replace("</", "<\\/"),
            html: OnceLock::new(),
        }
    }

    /// Renders the page. poem-openapi has no public template, so this replaces parts of the page of an empty document.
    fn html(&self) -> Bytes {
        let empty = OpenApiService::new((), TITLE, "");
        let page = empty
            .swagger_ui_html()
            .replacen(&empty.spec(), &self.document, 1)
            .replacen(
                "<title>Swagger UI</title>",
                &format!("<title>{TITLE}</title>"),
                1,
            )
            .replacen(
                "oauth2RedirectUrl: oauth2RedirectUrl,",
                "oauth2RedirectUrl: oauth2RedirectUrl, persistAuthorization: true,",
                1,
            );
        format!("<!doctype html>{page}").into()
    }
}

fn remove_empty_tags(document: &mut Value) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
    let used: HashSet<Value> = operations
        .flat_map(|(_, operation)| operation["tags"].as_array().into_iter().flatten())
        .cloned()
        .collect();
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.retain(|tag| used.contains(&tag["name"]));
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
