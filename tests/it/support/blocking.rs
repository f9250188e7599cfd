//! The client of tests that are not async: those of processes. A wrapper around [`Client`].
//!
//! Paths are below the base path of the server, and responses are read to their end.

use reqwest::{
    Method, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{Client, Documented, Request, TIMEOUT};

/// A status, headers and a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    async fn read(response: Response) -> reqwest::Result<Self> {
        Ok(Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    /// The body of a success.
    pub(crate) fn json(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A client with a token or other headers, that keeps its connection.
pub(crate) struct Api {
    base: String,
    token: Option<String>,
    headers: HeaderMap,
    client: Client,
    runtime: Runtime,
}

impl Api {
    /// For the API at `url`, which may end with a base path.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let (origin, base) = split(url);
        let client = Client::new(origin, http.build().unwrap(), Documented::service(base));
        Self {
            base: base.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
            headers: HeaderMap::new(),
            client,
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// A client that uses a key instead of a token.
    pub(crate) fn with_key(url: &str, secret: &str) -> Self {
        Self::new(url, None).with_header("x-api-key", secret)
    }

    /// The same client with another header.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path))
    }

    /// A POST to a server that may be killed before it responds.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send(self.request(Method::POST, path).json(body))
            .ok()
    }

    /// Validates the client's key; `query` is empty or begins with `?`.
    pub(crate) fn validate(&self, query: &str) -> Answer {
        self.send(self.request(Method::POST, &format!("/api-keys/validate{query}")))
    }

    /// Validates the client's key at a server that may be killed before it responds.
    pub(crate) fn try_validate(&self) -> Option<Answer> {
        self.try_send(self.request(Method::POST, "/api-keys/validate"))
            .ok()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        let path = format!("{}{path}", self.base);
        let request = self.client.request(method, &path);
        let request = request.headers(self.headers.clone());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) fn send(&self, request: Request) -> Answer {
        self.try_send(request).unwrap()
    }

    fn try_send(&self, request: Request) -> reqwest::Result<Answer> {
        self.runtime
            .block_on(async { Answer::read(request.send().await?).await })
    }
}

/// A GET of a URL whose path is not below a base path, with a bearer token or without one.
pub(crate) fn get(url: &str, token: Option<&str>) -> Answer {
    let (origin, path) = split(url);
    Api::new(origin, token).get(path)
}

/// The origin of a URL, and its path.
fn split(url: &str) -> (&str, &str) {
    let mut slashes = url.match_indices('/').map(|(at, _)| at);
    url.split_at(slashes.nth(2).unwrap_or(url.len()))
}
