//! The route table: the operations under each base path, and the pages beside them.
//!
//! [`RouteTable`] implements `OpenApi` itself, because a plain `poem::Route` does not work here: the extractor `Query`
//! unwraps the `UrlQuery` that only `OpenApiService` inserts into a request. The table is flat: poem's `nest` rewrites the
//! URI of every request, and rejects a path that is not UTF-8 before the token is checked.

use std::collections::{BTreeMap, HashMap};

use poem::{Endpoint, EndpointExt, Response, endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, MetaPath, Registry},
};

use super::{
    base_path::BasePath,
    html_pages::HtmlRoute,
    operations::{OPERATIONS, Operations, paths},
};

/// Middleware for each operation: takes the operation's annotations and its endpoint.
pub(super) type OperationMiddleware =
    Box<dyn Fn(&MetaOperation, BoxEndpoint<'static>) -> BoxEndpoint<'static> + Send + Sync>;

/// All endpoints by path and method.
pub(super) struct RouteTable {
    bases: Vec<BasePath>,
    middleware: OperationMiddleware,
    pages: Vec<(String, Method, BoxEndpoint<'static>)>,
}

impl RouteTable {
    /// Creates a table with the operations under each of `bases`.
    pub(super) fn new(bases: &[BasePath]) -> Self {
        Self {
            bases: bases.to_vec(),
            middleware: Box::new(|_, endpoint| endpoint),
            pages: Vec::new(),
        }
    }

    /// The base paths of the operations. The document shows the first one.
    pub(super) fn bases(&self) -> &[BasePath] {
        &self.bases
    }

    /// Puts middleware around every operation.
    pub(super) fn with_middleware(self, middleware: OperationMiddleware) -> Self {
        Self { middleware, ..self }
    }

    /// Adds an endpoint for GET that is not an operation of the API.
    pub(super) fn get(
        self,
        path: &str,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        self.route(Method::GET, path, endpoint)
    }

    /// Adds an endpoint that is not an operation of the API.
    pub(super) fn route(
        mut self,
        method: Method,
        path: &str,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        let page = (path.to_owned(), method, endpoint.boxed());
        self.pages.push(page);
        self
    }

    /// Adds the routes of pages.
    pub(super) fn with_pages(mut self, routes: Vec<HtmlRoute>) -> Self {
        let routes = routes
            .into_iter()
            .map(|(method, path, endpoint)| (path, method, endpoint));
        self.pages.extend(routes);
        self
    }

    /// Describes each route, by its poem pattern.
    pub(super) fn route_infos(&self) -> HashMap<String, RouteInfo> {
        let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, method, _) in &self.pages {
            methods.entry(path).or_default().push(method.as_str());
        }
        let pages = methods.into_iter().map(|(path, methods)| {
            let info = RouteInfo::new(path, &methods);
            (poem_pattern(path), info)
        });
        let operations = |base: &BasePath, path: &MetaPath| {
            let methods = path.operations.iter().map(|op| op.method.as_str());
            let methods: Vec<_> = methods.collect();
            let template = base.join(&path.path);
            (poem_pattern(&template), RouteInfo::new(&template, &methods))
        };
        let paths = paths();
        let under = |base| paths.iter().map(move |path| operations(base, path));
        self.bases.iter().flat_map(under).chain(pages).collect()
    }
}

impl OpenApi for RouteTable {
    fn meta() -> Vec<MetaApi> {
        Operations::meta()
    }

    fn register(registry: &mut Registry) {
        Operations::register(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        for base in &self.bases {
            let mut operations = HashMap::new();
            OPERATIONS.add_routes(&mut operations);
            for path in paths() {
                let pattern = poem_pattern(&path.path);
                let mut endpoints = operations.remove(&pattern).unwrap_or_default();
                let methods = path.operations.iter().filter_map(|operation| {
                    let endpoint = endpoints.remove(&operation.method)?;
                    let endpoint = (self.middleware)(operation, endpoint);
                    Some((operation.method.clone(), endpoint))
                });
                let methods = methods.collect();
                table.insert(base.join(&pattern), methods);
            }
        }
        for (path, method, endpoint) in self.pages {
            let methods = table.entry(poem_pattern(&path)).or_default();
            methods.insert(method, endpoint);
        }
    }
}

/// The description of a route: for the log line, and for the `Allow` of a 405, which poem does not send.
pub(super) struct RouteInfo {
    /// The path as in the OpenAPI document, with the names of its parameters.
    pub(super) template: String,
    /// The methods, as in `Allow`.
    pub(super) allow: String,
}

impl RouteInfo {
    /// Describes a table with a single path, for GET.
    pub(super) fn single(path: &str) -> HashMap<String, Self> {
        HashMap::from([(path.to_owned(), Self::new(path, &["GET"]))])
    }

    fn new(template: &str, methods: &[&str]) -> Self {
        Self {
            template: template.to_owned(),
            allow: methods.join(", ").replace("GET", "GET, HEAD"),
        }
    }
}

/// Converts a path template of the document to a pattern of poem, where poem-openapi calls the parameters `:param0`,
/// `:param1` and so on.
fn poem_pattern(template: &str) -> String {
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
    fn poem_pattern_is_the_template_with_numbered_parameters() {
        let template = "/api/organizations/{organizationId}/api-keys/{id}";
        let expected = "/api/organizations/:param0/api-keys/:param1";
        assert_eq!(poem_pattern(template), expected);
    }
}
