//! Properties of every operation, derived from the OpenAPI document: a new operation is tested as soon as
//! it is documented.
//!
//! Statuses and headers are checked by the client, see [`crate::support::Documented`]. Here, every documented status
//! that a request can provoke is provoked.

use std::collections::BTreeSet;

use llavero::api;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, CARLA, DIEGO, PRODUCTION, PRODUCTION_SECRET, Request, TestApp, key_path,
    lasting_token, message,
};

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// Not provoked here: a body that is never sent, a panic, a store that cannot answer.
const NOT_PROVOKED: [u16; 3] = [408, 500, 503];

/// A documented operation.
struct Operation {
    method: Method,
    template: String,
    description: Value,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&api::document().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(template, operations)| {
        let operations = operations.as_object().unwrap().clone();
        operations.into_iter().map(move |(method, description)| {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            Operation {
                method,
                template: template.clone(),
                description,
            }
        })
    });
    operations.collect()
}

impl Operation {
    /// The path with an organization and a key of the demo.
    fn path(&self) -> String {
        self.path_of(PRODUCTION)
    }

    fn path_of(&self, key: &str) -> String {
        let path = self.template.replace("{organizationId}", ACME);
        format!("/api{}", path.replace("{id}", key))
    }

    fn request(&self, app: &TestApp, path: &str) -> Request {
        app.request(self.method.clone(), path)
    }

    fn statuses(&self) -> BTreeSet<u16> {
        let responses = self.description["responses"].as_object().unwrap();
        responses
            .keys()
            .map(|status| status.parse().unwrap())
            .collect()
    }

    /// The documented example of a response's header.
    fn header(&self, status: u16, name: &str) -> &str {
        let response = &self.description["responses"][status.to_string()];
        response["headers"][name]["example"].as_str().unwrap()
    }

    fn takes_a_body(&self) -> bool {
        self.description.get("requestBody").is_some()
    }

    /// The documented example of the request's body.
    fn body(&self) -> &Value {
        &self.description["requestBody"]["content"]["application/json"]["example"]
    }

    /// Requests that together provoke every status, each with the status that it provokes.
    async fn provocations(&self, app: &TestApp) -> Vec<(u16, Request)> {
        if self.template.contains("validate") {
            return self.validations(app).await;
        }
        let revoked = revoked_key(app).await;
        let path = self.path();
        let by = |user: &str, path: &str| {
            let request = self.request(app, path).bearer_auth(lasting_token(user));
            if self.takes_a_body() {
                request.json(self.body())
            } else {
                request
            }
        };
        let with = |media_type: &str, body: Vec<u8>| {
            let request = self.request(app, &path).bearer_auth(lasting_token(ANA));
            request.header(header::CONTENT_TYPE, media_type).body(body)
        };
        let success = if self.statuses().contains(&201) {
            201
        } else {
            200
        };
        let not_utf8 = path.replace(PRODUCTION, "%ff").replace(ACME, "%ff");
        let mut requests = vec![
            (400, by(ANA, &not_utf8)),
            (401, self.request(app, &path)),
            (403, by(DIEGO, &path)),
            (404, by(ANA, &self.path_of("nope"))),
            (409, by(ANA, &self.path_of(&revoked))),
            (413, with("application/json", vec![b' '; 17_000])),
            (415, with("text/plain", b"{}".to_vec())),
        ];
        if self.method != Method::GET {
            requests.push((403, by(CARLA, &path)));
        }
        requests.push((success, by(ANA, &path)));
        requests.retain(|(status, _)| self.statuses().contains(status));
        requests
    }

    async fn validations(&self, app: &TestApp) -> Vec<(u16, Request)> {
        let limit = json!({ "rateLimit": { "limit": 1, "windowSeconds": 3600 } });
        let limited = app.create_key(limit).await;
        let limited = limited["key"].as_str().unwrap();
        let path = self.path();
        let with = |secret: &str, query: &str| {
            let request = self.request(app, &(path.clone() + query));
            request.header("X-API-Key", secret)
        };
        // The headers of a quota are sent for keys that have one.
        let quotas = "UPDATE api_keys SET quota_limit = 1000000000, quota_period = 'month'";
        app.other_connection().execute(quotas, []).unwrap();
        vec![
            (200, with(limited, "")),
            (429, with(limited, "")),
            (400, with(PRODUCTION_SECRET, "?scpoe=a")),
            (401, with("sk_nonsense", "")),
            (401, self.request(app, &path)),
            (403, with(PRODUCTION_SECRET, "?scope=not:granted")),
        ]
    }
}

/// The id of a revoked key of Acme Corp.
async fn revoked_key(app: &TestApp) -> String {
    let key = app.create_key(json!({})).await;
    let id = key["id"].as_str().unwrap().to_owned();
    let revoked = app.delete(ANA, &key_path(ACME, &id)).await;
    assert_eq!(revoked.status(), 200);
    id
}

#[tokio::test]
async fn every_operation_is_a_401_without_credentials_whatever_else_is_wrong() {
    let app = TestApp::demo().await;
    let operations = operations();
    assert!(operations.len() >= 8, "{}", operations.len());
    for operation in operations {
        let security = &operation.description["security"][0];
        let challenge = operation.header(401, "WWW-Authenticate");
        let mut paths = vec![operation.path()];
        if security.get("bearer").is_some() {
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            paths.push(operation.path() + "?limit=0&days=0&cursor=x");
            paths.push(operation.path_of("%ff"));
        } else {
            assert!(security.get("apiKey").is_some(), "{security}");
        }
        for path in paths {
            let mut request = operation.request(&app, &path);
            if operation.takes_a_body() {
                request = request
                    .header(header::CONTENT_TYPE, "text/plain")
                    .body("[1");
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], challenge, "{path}");
            message(response, 401).await;
        }
    }
}

#[tokio::test]
async fn every_path_is_a_405_for_other_methods_and_allow_lists_its_own() {
    let app = TestApp::demo().await;
    let operations = operations();
    for Operation { template, .. } in &operations {
        let same_path = operations
            .iter()
            .filter(|other| other.template == *template);
        let mut allowed: BTreeSet<&str> = same_path.map(|other| other.method.as_str()).collect();
        if allowed.contains("GET") {
            allowed.insert("HEAD");
        }
        let path = format!("/api{}", template.replace("{organizationId}", ACME));
        for method in METHODS
            .into_iter()
            .filter(|method| !allowed.contains(method))
        {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let response = app.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(response.status(), 405, "{method} {path}");
            let allow = response.headers()["allow"].to_str().unwrap();
            assert_eq!(
                allow.split(", ").collect::<BTreeSet<_>>(),
                allowed,
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_sends_its_documented_statuses_with_their_headers() {
    for operation in operations() {
        // A database of its own: some operations change the key.
        let app = TestApp::demo().await;
        let mut provoked = BTreeSet::from(NOT_PROVOKED);
        for (status, request) in operation.provocations(&app).await {
            let response = request.send().await.unwrap();
            let context = format!("{} {}", operation.method, operation.template);
            assert_eq!(response.status(), status, "{context}");
            let described = &operation.description["responses"][status.to_string()];
            for name in described["headers"].as_object().into_iter().flatten() {
                assert!(
                    response.headers().contains_key(name.0),
                    "{context}: {}",
                    name.0
                );
            }
            provoked.insert(status);
        }
        let missing: Vec<u16> = operation
            .statuses()
            .difference(&provoked)
            .copied()
            .collect();
        assert_eq!(
            missing, [0; 0],
            "{} {}",
            operation.method, operation.template
        );
    }
}
