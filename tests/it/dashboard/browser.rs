//! A browser: it keeps cookies, sends forms with the headers that browsers send, and follows no redirect by itself.

use std::collections::BTreeMap;

use reqwest::{
    Client, Method, RequestBuilder,
    header::{HeaderMap, SET_COOKIE},
    redirect::Policy,
};

use crate::support::TestApp;

pub(super) struct Browser {
    origin: String,
    client: Client,
    pub(super) cookies: BTreeMap<String, String>,
}

/// A response, read to its end.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Requires a page of this status.
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        self
    }

    /// Requires a redirect to `path`.
    pub(super) fn expect_redirect(&self, path: &str) {
        assert_eq!(
            (self.status, self.header("location")),
            (303, path),
            "{self:?}"
        );
    }
}

impl Browser {
    pub(super) fn new(app: &TestApp) -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            origin: app.origin.clone(),
            client: client.unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Sends a form from a page of this server.
    pub(super) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let request = self
            .form(path, form)
            .header("Sec-Fetch-Site", "same-origin");
        self.send(request).await
    }

    /// Sends a form with other headers.
    pub(super) async fn post_with(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = self.form(path, form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let fields = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let request = self.request(Method::POST, path);
        let kind = "application/x-www-form-urlencoded";
        request.header("Content-Type", kind).body(body)
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.origin));
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if cookies.is_empty() {
            request
        } else {
            request.header("Cookie", cookies.join("; "))
        }
    }

    pub(super) async fn send(&mut self, request: RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}

fn encode(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}
