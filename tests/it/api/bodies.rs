//! Request bodies: content type, size with and without a length, and all problems in one response.

use reqwest::{Body, Method, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    ACME, ANA, NOW, PRODUCTION, Request, TestApp, body, key_path, keys_path, lasting_token, later,
    message,
};

const MAX_BODY: usize = 16 * 1024;

/// A request to create a key, without a body yet.
fn create_request(app: &TestApp) -> Request {
    let request = app.request(Method::POST, &keys_path(ACME));
    request.bearer_auth(lasting_token(ANA))
}

/// The problems that the message names.
async fn problems(app: &TestApp, asked: &Value) -> Vec<String> {
    let answer = app.post(ANA, &keys_path(ACME), asked).await;
    let message = message(answer, 400).await;
    message.split("; ").map(str::to_owned).collect()
}

#[tokio::test]
async fn body_error_lists_every_problem() {
    let app = TestApp::demo().await;
    let asked = json!({
        "name": "",
        "description": "x".repeat(501),
        "scopes": ["ok", "not ok"],
        "quota": { "limit": 1_000_000_001, "period": "week", "burst": 1 },
        "rateLimit": { "limit": 0, "windowSeconds": 2_678_401, "burst": 1 },
        "metadata": ["x"],
        "externalId": "",
        "expiresAt": "2020-01-01T00:00:00Z",
        "colour": "red",
    });
    assert_eq!(
        problems(&app, &asked).await,
        [
            "name must be a string of 1 to 100 characters other than NUL, not only white space",
            "description must be a string of at most 500 characters other than NUL",
            "externalId must be a string of 1 to 255 characters other than NUL",
            "metadata must be an object of at most 4096 bytes of JSON and 100 levels",
            "scopes must be at most 50 strings of 1 to 64 letters, digits, `:`, `.`, `_`, `*` and `-`",
            "rateLimit.limit must be a whole number from 1 to 1000000000",
            "rateLimit.windowSeconds must be a whole number from 1 to 2678400",
            "unknown field: rateLimit.burst",
            "quota.limit must be a whole number from 1 to 1000000000",
            "quota.period must be `day` or `month`",
            "unknown field: quota.burst",
            "expiresAt must be a date-time in the future, like 2030-01-31T12:00:00Z",
            "unknown field: colour",
        ]
    );
    let empty = json!({});
    assert_eq!(problems(&app, &empty).await, ["name is missing"]);
}

#[tokio::test]
async fn body_fields_have_bounds() {
    let app = TestApp::demo().await;
    let with = |field: &str, value: Value| {
        let mut asked = json!({ "name": "x" });
        asked[field] = value;
        asked
    };
    let many = |count: usize| Value::from(vec!["s"; count]);
    let window = |limit: Value, window: Value| json!({ "limit": limit, "windowSeconds": window });
    for asked in [
        with("name", json!("n")),
        with("name", json!("ñ".repeat(100))),
        with("description", json!("")),
        with("description", json!("🔑".repeat(500))),
        with("scopes", json!(null)),
        with("scopes", many(50)),
        with("scopes", json!(["a:b.c_d*e-F9", "s".repeat(64)])),
        with("rateLimit", window(json!(1), json!(1))),
        with("rateLimit", window(json!(1_000_000_000), json!(2_678_400))),
        with("rateLimit", window(json!(5.0), json!(60))),
        with("externalId", json!("🔑".repeat(255))),
        with("externalId", json!(null)),
        with("metadata", json!({ "a": "x".repeat(4088) })),
        with("metadata", json!(null)),
        with("quota", json!({ "limit": 1, "period": "day" })),
        with(
            "quota",
            json!({ "limit": 1_000_000_000, "period": "month" }),
        ),
        with("quota", json!(null)),
        with("expiresAt", json!(later(1).to_string())),
        with("expiresAt", json!("9999-12-31T23:59:59Z")),
    ] {
        body(app.post(ANA, &keys_path(ACME), &asked).await, 201).await;
    }
    for (field, value) in [
        ("name", json!(null)),
        ("name", json!(1)),
        ("name", json!("n".repeat(101))),
        ("name", json!("\0")),
        ("name", json!(" ")),
        ("name", json!("\t\u{a0}\u{2003}\u{2028}")),
        ("description", json!(["x"])),
        ("scopes", json!("a")),
        ("scopes", json!([1])),
        ("scopes", json!([""])),
        ("scopes", json!(["ñ"])),
        ("scopes", json!(["s".repeat(65)])),
        ("scopes", many(51)),
        ("rateLimit", json!(100)),
        ("rateLimit", json!({})),
        ("rateLimit", window(json!("1"), json!(1))),
        ("rateLimit", window(json!(1.5), json!(1))),
        ("rateLimit", window(json!(1_000_000_001), json!(1))),
        ("rateLimit", window(json!(1), json!(-1))),
        ("externalId", json!("")),
        ("externalId", json!("x".repeat(256))),
        ("externalId", json!("a\0")),
        ("externalId", json!(7)),
        ("metadata", json!({ "a": "x".repeat(4089) })),
        ("metadata", json!("{}")),
        ("metadata", json!([])),
        ("quota", json!(100)),
        ("quota", json!({})),
        ("quota", json!({ "limit": 0, "period": "day" })),
        ("quota", json!({ "limit": 1, "period": "Month" })),
        ("quota", json!({ "limit": 1, "period": null })),
        ("expiresAt", json!(NOW.to_string())),
        ("expiresAt", json!("2030-01-01")),
        ("expiresAt", json!("soon")),
        ("expiresAt", json!(4_102_444_800_000_i64)),
    ] {
        let problems = problems(&app, &with(field, value.clone())).await;
        assert!(
            problems.iter().all(|problem| problem.starts_with(field)),
            "{field} {value}: {problems:?}"
        );
    }
}

#[tokio::test]
async fn create_rejects_fields_that_the_server_sets() {
    let app = TestApp::demo().await;
    for field in ["id", "key", "status", "createdBy"] {
        let asked = json!({ "name": "x", field: PRODUCTION });
        let expected = format!("unknown field: {field}");
        assert_eq!(problems(&app, &asked).await, [expected]);
    }
}

#[tokio::test]
async fn rotate_requires_grace_seconds_of_at_most_a_week() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, PRODUCTION) + "/rotate";
    for grace in [json!(0), json!(604_800), json!(60.0)] {
        let asked = json!({ "graceSeconds": grace, "replaceNew": true });
        body(app.post(ANA, &path, &asked).await, 200).await;
    }
    for grace in [
        json!(-1),
        json!(604_801),
        json!("60"),
        json!(null),
        json!(1e300),
    ] {
        let answer = app
            .post(ANA, &path, &json!({ "graceSeconds": grace }))
            .await;
        let expected = "graceSeconds must be a whole number from 0 to 604800";
        assert_eq!(message(answer, 400).await, expected, "{grace}");
    }
    let answer = app.post(ANA, &path, &json!({ "grace": 60 })).await;
    let expected = "graceSeconds is missing; unknown field: grace";
    assert_eq!(message(answer, 400).await, expected);
}

#[tokio::test]
async fn rotate_takes_replace_new_as_a_boolean_or_absent() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, PRODUCTION) + "/rotate";
    for value in [json!(true), json!(false), json!(null)] {
        let asked = json!({ "graceSeconds": 0, "replaceNew": value });
        body(app.post(ANA, &path, &asked).await, 200).await;
    }
    for value in [json!("true"), json!(1), json!([]), json!({})] {
        let asked = json!({ "graceSeconds": -1, "replaceNew": value });
        let expected = "graceSeconds must be a whole number from 0 to 604800; \
                        replaceNew must be true or false";
        let answer = app.post(ANA, &path, &asked).await;
        assert_eq!(message(answer, 400).await, expected, "{value}");
    }
    let answer = app.post(ANA, &path, &json!({ "replaceNew": true })).await;
    assert_eq!(message(answer, 400).await, "graceSeconds is missing");
}

#[tokio::test]
async fn body_must_be_a_json_object() {
    let app = TestApp::demo().await;
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    for text in [
        "",
        "{",
        "{\"name\":\"x\"",
        "{\"name\":\"x\"}{}",
        "\u{feff}{}",
        &deep,
        "{'name':'x'}",
    ] {
        let request = create_request(&app).header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(text.to_owned()).send().await.unwrap();
        let message = message(answer, 400).await;
        assert!(
            message.starts_with("The body is not valid JSON: "),
            "{text}: {message}"
        );
    }
    for text in ["[]", "null", "\"name\"", "1"] {
        let request = create_request(&app).header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(text).send().await.unwrap();
        assert_eq!(message(answer, 400).await, "The body must be a JSON object");
    }
    let request = create_request(&app).header(header::CONTENT_TYPE, "application/json");
    let answer = request
        .body(&b"{\"name\":\"\xff\"}"[..])
        .send()
        .await
        .unwrap();
    message(answer, 400).await;
}

#[tokio::test]
async fn body_with_another_content_type_is_a_415() {
    let app = TestApp::demo().await;
    let text = "{\"name\":\"x\"}";
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/xml; note=application/json",
        "",
    ] {
        let request = create_request(&app).header(header::CONTENT_TYPE, content_type);
        let answer = request.body(text).send().await.unwrap();
        let expected = "Content-Type must be application/json";
        assert_eq!(message(answer, 415).await, expected, "{content_type}");
    }
    message(create_request(&app).send().await.unwrap(), 415).await;
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = create_request(&app).header(header::CONTENT_TYPE, content_type);
        body(request.body(text).send().await.unwrap(), 201).await;
    }
}

/// A JSON body of `size` bytes that is fine otherwise.
fn sized(size: usize) -> Vec<u8> {
    let mut text = b"{\"name\":\"x\"}".to_vec();
    text.resize(size, b' ');
    text
}

#[tokio::test]
async fn body_over_16_kib_is_a_413_with_and_without_a_content_length() {
    let app = TestApp::demo().await;
    for (size, status) in [
        (MAX_BODY, 201),
        (MAX_BODY + 1, 413),
        (10 * MAX_BODY, 413),
        (1024 * MAX_BODY, 413),
    ] {
        let json = || create_request(&app).header(header::CONTENT_TYPE, "application/json");
        let with_length = json().body(sized(size));
        // A body without a known length goes out in chunks.
        let chunked = json().body(in_chunks(&sized(size)));
        for (request, how) in [(with_length, "with a length"), (chunked, "in chunks")] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{size} {how}");
        }
    }
}

/// A body whose length is not known beforehand.
pub(crate) fn in_chunks(bytes: &[u8]) -> Body {
    struct Chunks(std::collections::VecDeque<Vec<u8>>);
    impl hyper::body::Body for Chunks {
        type Data = hyper::body::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
            let chunk = self.0.pop_front();
            std::task::Poll::Ready(chunk.map(|chunk| Ok(hyper::body::Frame::data(chunk.into()))))
        }
    }
    Body::wrap(Chunks(bytes.chunks(4096).map(<[u8]>::to_vec).collect()))
}

#[tokio::test]
async fn body_over_16_kib_is_a_413_in_place_of_100_continue() {
    let app = TestApp::demo().await;
    let address = app.origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n",
        keys_path(ACME),
        lasting_token(ANA)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn body_with_a_content_encoding_is_a_415() {
    let app = TestApp::demo().await;
    let request = create_request(&app).header(header::CONTENT_TYPE, "application/json");
    let request = request.header(header::CONTENT_ENCODING, "gzip");
    let answer = request.body("{\"name\":\"x\"}").send().await.unwrap();
    let expected = "Content-Encoding is not supported";
    assert_eq!(message(answer, 415).await, expected);
}

#[tokio::test]
async fn body_error_lists_problems_in_the_order_of_the_body() {
    let app = TestApp::demo().await;
    let request = create_request(&app).header(header::CONTENT_TYPE, "application/json");
    let long = "y".repeat(100);
    let text = format!("{{\"c\":1,\"name\":\"x\",\"b\":1,\"{long}\":1,\"a\":1}}");
    let answer = request.body(text).send().await.unwrap();
    let expected = format!(
        "unknown field: c; unknown field: b; unknown field: {}; unknown field: a",
        &long[..64]
    );
    assert_eq!(message(answer, 400).await, expected);
}

#[tokio::test]
async fn body_is_not_checked_for_users_who_are_not_members() {
    let app = TestApp::demo().await;
    let request = app.request(Method::POST, &keys_path(ACME));
    let answer = request.body(sized(10 * MAX_BODY)).send().await.unwrap();
    message(answer, 401).await;
}
