//! A 400 names every problem of a request: of its path, its query parameters and its body, in that order.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, PRODUCTION, TestApp, body, key_path, keys_path, lasting_token, message, stats_path,
};

const PATH: &str = "The path must be percent-encoded UTF-8";
const LIMIT: &str = "limit must be one whole number from 1 to 100";
const CURSOR: &str = "cursor must be the nextCursor of an earlier answer";
const STATUS: &str = "status must be exactly one of active, disabled, revoked, expired";
const USAGE: &str = "usage must be exactly one of never, inactive, afterRevocation";
const EXPIRES: &str = "expiresWithinDays must be one whole number from 1 to 365";
const SORT: &str =
    "sort must be exactly one of createdAt, lastUsedAt, expiresAt, totalRequests, rateLimitHits";
const ORDER: &str = "order must be exactly one of asc, desc";
const DAYS: &str = "days must be one whole number from 1 to 90";
const NAME: &str =
    "name must be a string of 1 to 100 characters other than NUL, not only white space";

fn text(name: &str) -> String {
    format!("{name} must be one text, not empty")
}

#[tokio::test]
async fn list_names_every_problem_of_its_parameters() {
    let app = TestApp::demo().await;
    let not_utf8 = keys_path("%ff");
    for (path, expected) in [
        (
            keys_path(ACME) + "?limit=0&cursor=x",
            format!("{LIMIT}; {CURSOR}"),
        ),
        (
            keys_path(ACME) + "?cursor=x&colour=red&limit=0&size=1&colour=blue",
            format!("{LIMIT}; {CURSOR}; unknown parameter: colour; unknown parameter: size"),
        ),
        (
            format!("{not_utf8}?cursor=&limit=1&limit=1"),
            format!("{PATH}; {LIMIT}; {CURSOR}"),
        ),
        (
            keys_path(ACME)
                + "?order=up&sort=name&search=&externalId=&createdBy=&expiresWithinDays=366&usage=all&status=Active&days=0",
            format!(
                "{STATUS}; {USAGE}; {EXPIRES}; {}; {}; {}; {SORT}; {ORDER}; {DAYS}",
                text("createdBy"),
                text("externalId"),
                text("search")
            ),
        ),
    ] {
        assert_eq!(
            message(app.get(ANA, &path).await, 400).await,
            expected,
            "{path}"
        );
    }
    // The list is refused before the membership is looked at, and after the token.
    let path = keys_path("globex") + "?limit=0";
    assert_eq!(message(app.get(ANA, &path).await, 400).await, LIMIT);
    let stranger = app.request(Method::GET, &path).send().await.unwrap();
    message(stranger, 401).await;
}

#[tokio::test]
async fn list_rejects_repeated_parameters() {
    let app = TestApp::demo().await;
    for (value, expected) in [
        ("status=active", STATUS.to_owned()),
        ("usage=never", USAGE.to_owned()),
        ("expiresWithinDays=1", EXPIRES.to_owned()),
        ("createdBy=x", text("createdBy")),
        ("externalId=x", text("externalId")),
        ("search=x", text("search")),
        ("sort=createdAt", SORT.to_owned()),
        ("order=asc", ORDER.to_owned()),
        ("days=1", DAYS.to_owned()),
    ] {
        let path = format!("{}?{value}", keys_path(ACME));
        app.json(ANA, &path).await;
        let answer = app.get(ANA, &format!("{path}&{value}")).await;
        assert_eq!(message(answer, 400).await, expected);
    }
}

#[tokio::test]
async fn list_rejects_unknown_parameters() {
    let app = TestApp::demo().await;
    let long = "n".repeat(100);
    for (query, name) in [
        ("colour=red", "colour"),
        ("limit=1&Limit=1", "Limit"),
        ("limit%5B%5D=1", "limit[]"),
        ("colour", "colour"),
        ("=1", ""),
        ("a%ffb=1", "a\u{fffd}b"),
        ("a+b=1", "a b"),
        (&long, &long[..64]),
    ] {
        let answer = app.get(ANA, &format!("{}?{query}", keys_path(ACME))).await;
        let expected = format!("unknown parameter: {name}");
        assert_eq!(message(answer, 400).await, expected, "{query}");
    }
    for query in ["", "?", "?&&", "?l%69mit=1"] {
        app.json(ANA, &(keys_path(ACME) + query)).await;
    }
}

#[tokio::test]
async fn parameters_in_the_document_are_all_accepted() {
    let app = TestApp::demo().await;
    let document: Value = app.json(ANA, "/api/openapi.json").await;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{organizationId}", ACME)
            .replace("{id}", PRODUCTION);
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let answer = app.get(ANA, &format!("/api{path}?{name}=1&other=1")).await;
            let text = answer.text().await.unwrap();
            assert!(
                !text.contains(&format!("unknown parameter: {name}")),
                "{path}: {text}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 4, "{tried}");
}

#[tokio::test]
async fn unknown_parameters_are_ignored_by_other_operations() {
    let app = TestApp::demo().await;
    for path in [stats_path(ACME), key_path(ACME, PRODUCTION)] {
        app.json(ANA, &(path + "?colour=red&colour=blue")).await;
    }
    let asked = json!({ "name": "x" });
    let path = keys_path(ACME) + "?colour=red";
    body(app.post(ANA, &path, &asked).await, 201).await;
}

#[tokio::test]
async fn problems_of_path_and_body_are_named_together() {
    let app = TestApp::demo().await;
    let rotate = key_path("%ff", "%fe") + "/rotate";
    for (path, sent, expected) in [
        (
            keys_path("%ff"),
            "{\"name\":\"\",\"colour\":1}",
            format!("{PATH}; {NAME}; unknown field: colour"),
        ),
        (
            keys_path("%ff"),
            "[]",
            format!("{PATH}; The body must be a JSON object"),
        ),
        (rotate, "{}", format!("{PATH}; graceSeconds is missing")),
        (
            keys_path(ACME),
            "{\"colour\":1,\"name\":\"x\",\"name\":\"\",\"name\":\"\",\"rateLimit\":{\"limit\":1,\"limit\":2}}",
            format!(
                "duplicate field: name; duplicate field: rateLimit.limit; {NAME}; \
                 rateLimit.windowSeconds is missing; unknown field: colour"
            ),
        ),
    ] {
        let request = app
            .request(Method::POST, &path)
            .bearer_auth(lasting_token(ANA));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(sent).send().await.unwrap();
        assert_eq!(message(answer, 400).await, expected, "{path} {sent}");
    }
}

#[tokio::test]
async fn wrong_content_type_comes_before_invalid_parameters() {
    let app = TestApp::demo().await;
    let request = app.request(Method::POST, &keys_path("%ff"));
    let request = request.bearer_auth(lasting_token(ANA)).body("name=x");
    let expected = "Content-Type must be application/json";
    assert_eq!(message(request.send().await.unwrap(), 415).await, expected);
}
