//! Checks responses against the OpenAPI document.
//!
//! [`super::Client`] passes every response here: a response of a documented operation must have a documented status,
//! and every header that the document lists for that status. Requests outside the base paths, and methods that a path
//! does not have, are not operations.

use llavero::api;
use reqwest::{Method, Response};
use serde_json::{Map, Value};

/// Only sent for keys with a rate limit or a quota, therefore optional where a key may have none.
const OPTIONAL_PREFIXES: [&str; 2] = ["RateLimit-", "X-Quota-"];

/// Decided before routing, for any request: a head over the limits. Not documented per operation.
const BEFORE_ROUTING: u16 = 431;

/// The document, and the base paths below which its operations are served.
pub(crate) struct Documented {
    paths: Vec<(String, Value)>,
    bases: Vec<String>,
}

impl Documented {
    /// The service's operations, below `base`, for instance `/api`.
    pub(crate) fn service(base: &str) -> Self {
        Self::new(&api::document().unwrap(), &[base])
    }

    /// The operations of `document`, below each of `bases`.
    pub(crate) fn new(document: &str, bases: &[&str]) -> Self {
        let document: Value = serde_json::from_str(document).unwrap();
        let bases = bases.iter().map(|base| base.trim_end_matches('/'));
        let paths = document["paths"].as_object().unwrap().clone();
        let mut paths: Vec<_> = paths.into_iter().collect();
        // A path without parameters wins: `…/api-keys/stats` before `…/api-keys/{id}`.
        paths.sort_by_key(|(template, _)| template.matches('{').count());
        Self {
            paths,
            bases: bases.map(str::to_owned).collect(),
        }
    }

    /// Panics if the document does not describe this response to `method` and `path`.
    pub(crate) fn check(&self, method: &Method, response: &Response) {
        let path = response.url().path();
        let Some(operation) = self.operation(method, path) else {
            return;
        };
        let status = response.status().as_u16();
        if status == BEFORE_ROUTING {
            return;
        }
        let documented = &operation["responses"][status.to_string()];
        assert!(
            documented.is_object(),
            "{method} {path} does not document {status}"
        );
        let headers = documented["headers"].as_object();
        for name in headers.into_iter().flat_map(Map::keys) {
            let of_limit = |prefix: &&str| name.starts_with(*prefix);
            let is_optional =
                [200, 429].contains(&status) && OPTIONAL_PREFIXES.iter().any(of_limit);
            let is_sent = response.headers().contains_key(name);
            assert!(
                is_sent || is_optional,
                "{method} {path}: {status} without {name}"
            );
        }
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        // HEAD is answered like GET.
        let method = match method.as_str() {
            "HEAD" => "get".to_owned(),
            method => method.to_lowercase(),
        };
        let below_base = self
            .bases
            .iter()
            .filter_map(|base| path.strip_prefix(base.as_str()));
        let mut operations = below_base.filter_map(|path| {
            let mut templates = self.paths.iter();
            let (_, operations) = templates.find(|(template, _)| matches(template, path))?;
            operations.get(&method)
        });
        operations.next()
    }
}

/// Whether `path` is one of the paths that `template`, with its parameters in braces, stands for.
fn matches(template: &str, path: &str) -> bool {
    let (expected, found) = (template.split('/'), path.split('/'));
    expected.clone().count() == found.clone().count()
        && expected.zip(found).all(|(expected, found)| {
            expected == found || expected.starts_with('{') && !found.is_empty()
        })
}

#[test]
fn documented_path_matches_its_template_only() {
    let documented = Documented::service("/api");
    let is_operation = |method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        documented.operation(&method, path).is_some()
    };
    assert!(is_operation("GET", "/api/organizations/a/api-keys/stats"));
    assert!(is_operation("HEAD", "/api/organizations/a/api-keys/b"));
    assert!(is_operation(
        "POST",
        "/api/organizations/a/api-keys/b/rotate"
    ));
    assert!(!is_operation(
        "DELETE",
        "/api/organizations/a/api-keys/stats"
    ));
    assert!(!is_operation("GET", "/organizations/a/api-keys"));
    assert!(!is_operation("GET", "/api/organizations//api-keys"));
    assert!(!is_operation("GET", "/api/organizations/a/api-keys/"));
}
