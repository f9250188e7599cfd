//! Requests to a server, and what came back.

use reqwest::{
    Client, Method, RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::PATIENCE;

/// A status, headers and a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn json(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A client with a token, that keeps its connection.
pub(crate) struct Api {
    url: String,
    token: Option<String>,
    headers: HeaderMap,
    client: Client,
    runtime: Runtime,
}

impl Api {
    pub(crate) fn new(url: &str, token: Option<&str>) -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            url: url.to_owned(),
            token: token.map(str::to_owned),
            headers: HeaderMap::new(),
            client: client.build().unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// A client that uses a key instead.
    pub(crate) fn with_key(url: &str, secret: &str) -> Self {
        Self::new(url, None).with_header("x-api-key", secret)
    }

    /// The same client, that sends another header besides.
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

    /// A POST to a server that may not live to answer it.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send(self.request(Method::POST, path).json(body))
            .ok()
    }

    /// Validates the client's key; `query` is empty or begins with `?`.
    pub(crate) fn validate(&self, query: &str) -> Answer {
        self.send(self.validation(query))
    }

    /// Validates the client's key at a server that may not live to respond.
    pub(crate) fn try_validate(&self) -> Option<Answer> {
        self.try_send(self.validation("")).ok()
    }

    fn validation(&self, query: &str) -> RequestBuilder {
        self.request(Method::POST, &format!("/api-keys/validate{query}"))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.headers(self.headers.clone())
    }

    fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).unwrap()
    }

    fn try_send(&self, mut request: RequestBuilder) -> reqwest::Result<Answer> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            Ok(Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.text().await?,
            })
        })
    }
}

/// A GET, with a bearer token or without one.
pub(crate) fn get(url: &str, token: Option<&str>) -> Answer {
    Api::new(url, token).get("")
}
