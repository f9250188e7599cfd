//! What is served where: the base path, the table of endpoints, and what is known of each route.
//!
//! One flat table: poem's `nest` would rewrite the URI of every request, and refuse a path that is not UTF-8
//! before anybody has asked for a token. What is known of a route is read from the same annotations as the
//! route itself.

use std::{collections::HashMap, str::FromStr};

use poem::{Endpoint, EndpointExt, Response, endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, MetaPath, Registry},
};

use super::{keys::KeysApi, stats::StatsApi, validate::ValidateApi};

/// Paths beside the API; each takes GET.
pub(super) const DOCS: &str = "/docs";
pub(super) const HEALTHZ: &str = "/healthz";
pub(super) const READYZ: &str = "/readyz";
/// Paths that the sandbox has besides; the second takes POST.
pub(super) const GUIDE: &str = "/sandbox";
pub(super) const RESET: &str = "/sandbox/reset";
/// The document's path under the base path.
pub(super) const DOCUMENT: &str = "/openapi.json";

/// The path that the API is served under: empty, or `/` and segments of unreserved characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

/// Why a text is no base path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a base path is `/` or looks like `/api`: letters, digits, `-`, `.`, `_`, `~`, and not {DOCS}, {HEALTHZ} or {READYZ}"
)]
pub struct BasePathError;

impl FromStr for BasePath {
    type Err = BasePathError;

    fn from_str(text: &str) -> Result<Self, BasePathError> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let segment = |s: &str| !s.is_empty() && s.chars().all(unreserved) && s != "." && s != "..";
        let taken = [DOCS, HEALTHZ, READYZ].contains(&path);
        let valid = path
            .strip_prefix('/')
            .map_or(path.is_empty(), |rest| rest.split('/').all(segment));
        if valid && !taken {
            Ok(Self(path.to_owned()))
        } else {
            Err(BasePathError)
        }
    }
}

impl BasePath {
    /// None.
    pub(super) const fn root() -> Self {
        Self(String::new())
    }

    /// The path without a final slash: what comes before `/organizations`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This base path and then `path`.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// The annotated operations.
pub(super) type Apis = (KeysApi, StatsApi, ValidateApi);

/// Puts something around an operation: takes what is known of it, and its endpoint.
pub(super) type Wrap =
    Box<dyn Fn(&MetaOperation, BoxEndpoint<'static>) -> BoxEndpoint<'static> + Send + Sync>;

/// All endpoints: the operations under each base path, and what is served beside them.
///
/// It is an `OpenApi` itself, so that poem-openapi builds one flat table of them all.
pub(super) struct RouteTable {
    bases: Vec<BasePath>,
    wrap: Wrap,
    beside: Vec<(String, Method, BoxEndpoint<'static>)>,
}

impl RouteTable {
    /// The operations under each of `bases`.
    pub(super) fn new(bases: &[BasePath]) -> Self {
        Self {
            bases: bases.to_vec(),
            wrap: Box::new(|_, endpoint| endpoint),
            beside: Vec::new(),
        }
    }

    /// The base paths of the operations; the first is the one to show.
    pub(super) fn bases(&self) -> &[BasePath] {
        &self.bases
    }

    /// Puts something around every operation.
    pub(super) fn wrapped(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// What is known of each route, by the pattern that poem knows it by.
    pub(super) fn infos(&self) -> HashMap<String, RouteInfo> {
        let beside = self.beside.iter().map(|(path, method, _)| {
            let info = RouteInfo::new(path, &[method.as_str()]);
            (path.clone(), info)
        });
        let of = |base: &BasePath, path: MetaPath| {
            let methods = path.operations.iter().map(|op| op.method.as_str());
            let methods: Vec<_> = methods.collect();
            let template = base.join(&path.path);
            (pattern(&template), RouteInfo::new(&template, &methods))
        };
        let under = |base| paths().map(move |path| of(base, path));
        self.bases.iter().flat_map(under).chain(beside).collect()
    }

    /// Adds an endpoint that is no operation of the API, for GET.
    pub(super) fn beside(
        self,
        path: &str,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        self.beside_for(Method::GET, path, endpoint)
    }

    /// The same for another method.
    pub(super) fn beside_for(
        mut self,
        method: Method,
        path: &str,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        let beside = (path.to_owned(), method, endpoint.boxed());
        self.beside.push(beside);
        self
    }
}

fn paths() -> impl Iterator<Item = MetaPath> {
    Apis::meta().into_iter().flat_map(|api| api.paths)
}

impl OpenApi for RouteTable {
    fn meta() -> Vec<MetaApi> {
        Apis::meta()
    }

    fn register(registry: &mut Registry) {
        Apis::register(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        for base in &self.bases {
            let mut operations = HashMap::new();
            (KeysApi, StatsApi, ValidateApi).add_routes(&mut operations);
            for path in paths() {
                let pattern = pattern(&path.path);
                let mut endpoints = operations.remove(&pattern).unwrap_or_default();
                let methods = path.operations.iter().filter_map(|operation| {
                    let endpoint = endpoints.remove(&operation.method)?;
                    let wrapped = (self.wrap)(operation, endpoint);
                    Some((operation.method.clone(), wrapped))
                });
                let methods = methods.collect();
                table.insert(base.join(&pattern), methods);
            }
        }
        for (path, method, endpoint) in self.beside {
            table.insert(path, HashMap::from([(method, endpoint)]));
        }
    }
}

/// What is known of a route: for a 405, whose `Allow` poem does not know (RFC 9110, section 15.5.6), and for the
/// log.
pub(super) struct RouteInfo {
    /// Its path, with the names of its parameters as the OpenAPI document has them.
    pub(super) template: String,
    /// Its methods, as `Allow` has them.
    pub(super) allow: String,
}

impl RouteInfo {
    /// The infos of a table with nothing but one path, for GET.
    pub(super) fn of_one(path: &str) -> HashMap<String, Self> {
        HashMap::from([(path.to_owned(), Self::new(path, &["GET"]))])
    }

    fn new(template: &str, methods: &[&str]) -> Self {
        Self {
            template: template.to_owned(),
            allow: methods.join(", ").replace("GET", "GET, HEAD"),
        }
    }
}

/// poem-openapi calls the parameters of a path `:param0`, `:param1` …, in order.
fn pattern(template: &str) -> String {
    let mut position = 0;
    let mut rename = |segment: &str| {
        if !segment.starts_with('{') {
            return segment.to_owned();
        }
        let name = format!(":param{position}");
        position += 1;
        name
    };
    let segments: Vec<String> = template.split('/').map(&mut rename).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_plain_segments() {
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
            "api", "//", "/a//b", "/:id", "/*", "/<x>", "/a b", "/docs", "/..", "/ä",
        ] {
            assert_eq!(text.parse::<BasePath>(), Err(BasePathError), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_a_template_with_numbered_parameters() {
        let template = "/api/organizations/{organizationId}/api-keys/{id}";
        let expected = "/api/organizations/:param0/api-keys/:param1";
        assert_eq!(pattern(template), expected);
    }
}
