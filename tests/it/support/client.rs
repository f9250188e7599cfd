//! The HTTP client of the tests. It checks every response against the OpenAPI document.
//!
//! [`Request`] has the methods of reqwest's builder that tests use; sending it is the only way to a response, so no
//! test can receive an undocumented status of a documented operation without failing.

use std::{fmt::Debug, sync::Arc};

use reqwest::{
    Body, Method, RequestBuilder, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Serialize;
use serde_json::Value;

use super::Documented;

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    origin: String,
    http: reqwest::Client,
    documented: Arc<Documented>,
}

impl Client {
    /// For the server at `origin`, for instance `http://127.0.0.1:3001`.
    pub(crate) fn new(origin: &str, http: reqwest::Client, documented: Documented) -> Self {
        Self {
            origin: origin.to_owned(),
            http,
            documented: Arc::new(documented),
        }
    }

    /// A request to `path`, which begins with `/`.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request {
            builder: self.http.request(method, format!("{}{path}", self.origin)),
            documented: Arc::clone(&self.documented),
        }
    }
}

/// A request that is being built.
pub(crate) struct Request {
    builder: RequestBuilder,
    documented: Arc<Documented>,
}

impl Request {
    /// Adds a header.
    pub(crate) fn header(
        self,
        name: impl TryInto<HeaderName, Error: Debug>,
        value: impl TryInto<HeaderValue, Error: Debug>,
    ) -> Self {
        let (name, value) = (name.try_into().unwrap(), value.try_into().unwrap());
        self.with(|builder| builder.header(name, value))
    }

    /// Sets headers.
    pub(crate) fn headers(self, headers: HeaderMap) -> Self {
        self.with(|builder| builder.headers(headers))
    }

    /// Sets a bearer token.
    pub(crate) fn bearer_auth(self, token: impl AsRef<str>) -> Self {
        self.with(|builder| builder.bearer_auth(token.as_ref()))
    }

    /// Sets a JSON body and its content type.
    pub(crate) fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.with(|builder| builder.json(body))
    }

    /// Sets a body.
    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        self.with(|builder| builder.body(body))
    }

    fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// Sends the request, and checks the response against the document.
    pub(crate) async fn send(self) -> reqwest::Result<Response> {
        let (client, request) = self.builder.build_split();
        let request = request?;
        let method = request.method().clone();
        let response = client.execute(request).await?;
        self.documented.check(&method, &response);
        Ok(response)
    }
}

/// The JSON body of a response that must have `status`.
pub(crate) async fn body(response: Response, status: u16) -> Value {
    let found = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The message of an error response that must have `status`.
pub(crate) async fn message(response: Response, status: u16) -> String {
    let body = body(response, status).await;
    body["message"].as_str().unwrap().to_owned()
}
