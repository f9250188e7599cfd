//! The sandbox's ready-made organizations for edge cases, and the guide that describes them.

use std::collections::BTreeSet;

use llavero::sandbox::MAX_GROWTH;
use reqwest::Method;
use serde_json::{Value, json};

use super::SandboxApp;
use crate::support::{ACME, message};

async fn stats(app: &SandboxApp, organization: &str) -> Value {
    app.json(&format!("/api/organizations/{organization}/api-keys/stats"))
        .await
}

fn counts(stats: &Value) -> [i64; 5] {
    [
        "totalKeys",
        "activeKeys",
        "revokedKeys",
        "expiredKeys",
        "disabledKeys",
    ]
    .map(|name| stats[name].as_i64().unwrap())
}

#[tokio::test]
async fn scenarios_match_their_names() {
    let app = SandboxApp::start().await;
    assert_eq!(counts(&stats(&app, "acme-corp").await), [12, 9, 1, 1, 1]);
    assert_eq!(counts(&stats(&app, "initech").await), [0, 0, 0, 0, 0]);
    assert_eq!(counts(&stats(&app, "all-revoked").await), [3, 0, 3, 0, 0]);
    assert_eq!(counts(&stats(&app, "all-expired").await), [3, 0, 0, 3, 0]);
    assert_eq!(
        counts(&stats(&app, "thousand-keys").await),
        [1000, 1000, 0, 0, 0]
    );
    let acme = app.json("/api/organizations/acme-corp/api-keys").await;
    let key = |name: &str| {
        let mut keys = acme["items"].as_array().unwrap().iter();
        keys.find(|key| key["name"] == name).unwrap().clone()
    };
    assert_eq!(key("Newsletter service")["status"], "disabled");
    let quota = json!({
        "limit": 5000, "period": "month", "used": 4800, "resetsAt": "2026-02-01T00:00:00.000Z",
    });
    assert_eq!(key("Trial of Hooli")["quota"], quota);
    assert_eq!(key("Tax audit")["expiresAt"], "2026-01-24T12:00:00.000Z");
    let audit = app.json("/api/organizations/audit-trail/api-keys/audit");
    let audit = audit.await;
    let actions = audit["items"].as_array().unwrap().iter();
    let actions: BTreeSet<&str> = actions
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions.len(), 12, "{actions:?}");
    let unicode = app.json("/api/organizations/unicode/api-keys").await;
    let names: Vec<&str> = unicode["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"密钥・本番サーバー") && names.contains(&"e\u{301} is not é"),
        "{names:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn rate_limited_key_is_refused_on_every_request() {
    let app = SandboxApp::start().await;
    let demo = app.sandbox.demo().organizations();
    let limited = demo
        .iter()
        .find(|found| found.slug.to_string() == "rate-limited")
        .unwrap();
    for (_, name, secret) in limited.keys() {
        for _ in 0..3 {
            let request = app.request(Method::POST, "/api/api-keys/validate");
            let answer = request
                .header("X-API-Key", secret.reveal())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.headers()["ratelimit-remaining"], "0", "{name}");
            assert_eq!(message(answer, 429).await, "Rate limit exceeded");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn list_pages_contain_each_of_a_thousand_keys_once() {
    let app = SandboxApp::start().await;
    let mut cursor = String::new();
    let mut names = Vec::new();
    loop {
        let page = app
            .json(&format!(
                "/organizations/thousand-keys/api-keys?limit=100{cursor}"
            ))
            .await;
        names.extend(super::names(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names.len(), 1000);
    assert_eq!(
        (names[0].as_str(), names[999].as_str()),
        ("Key 0001", "Key 1000")
    );
    app.stop().await;
}

#[tokio::test]
async fn guide_sample_requests_return_the_stated_status() {
    let app = SandboxApp::start().await;
    let guide: Value = app
        .request(Method::GET, "/sandbox")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(guide["clock"], "2026-01-15T12:00:00.000Z");
    let mut statuses = BTreeSet::new();
    let users = guide["users"].as_array().unwrap();
    for user in users.iter().chain([&guide["expired"]]) {
        for reach in user["reaches"].as_array().unwrap() {
            let method = reach["method"].as_str().unwrap().parse().unwrap();
            let mut request = app.request(method, reach["path"].as_str().unwrap());
            if let Some(body) = reach.get("body") {
                request = request.json(body);
            }
            let request = request.bearer_auth(user["token"].as_str().unwrap());
            let request = request.header("X-Sandbox-Session", "reaches");
            let status = request.send().await.unwrap().status().as_u16();
            assert_eq!(reach["status"], status, "{reach} of {}", user["name"]);
            statuses.insert(status);
        }
    }
    let statuses: Vec<u16> = statuses.into_iter().collect();
    assert_eq!(statuses, [200, 201, 401, 403, 404]);
    // Organizations with the ids and counts that they have.
    for organization in guide["organizations"].as_array().unwrap() {
        if organization["slug"] == "globex" {
            continue;
        }
        let found = stats(&app, organization["id"].as_str().unwrap()).await;
        assert_eq!(found["totalKeys"], organization["totalKeys"]);
        for key in organization["keys"].as_array().unwrap() {
            let id = key["id"].as_str().unwrap();
            let path = format!(
                "/organizations/{}/api-keys/{id}",
                organization["slug"].as_str().unwrap()
            );
            assert_eq!(app.json(&path).await["name"], key["name"]);
        }
    }
    assert_eq!(guide["organizations"][0]["id"], ACME);
    app.stop().await;
}

#[tokio::test]
async fn guide_is_html_for_browsers() {
    let app = SandboxApp::start().await;
    let request = app
        .request(Method::GET, "/")
        .header("Accept", "text/html,*/*;q=0.8");
    let page = request.send().await.unwrap();
    assert_eq!(page.url().path(), "/sandbox");
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'; style-src 'self';") && !policy.contains("unsafe"));
    let html = page.text().await.unwrap();
    for part in [
        "Ünïcode 株式会社 🔑",
        "all-revoked",
        "X-Sandbox-Session",
        "Prefer: code=",
        app.token(crate::support::EVA),
    ] {
        assert!(html.contains(part), "{part}");
    }
    for (link, path) in [("href", "/assets/style."), ("src", "/assets/script.")] {
        let path = html.split(&format!("{link}=\"{path}")).nth(1).map(|rest| {
            let rest = rest.split('"').next().unwrap();
            format!("{path}{rest}")
        });
        let asset = app.request(Method::GET, &path.unwrap()).send().await;
        assert_eq!(asset.unwrap().status(), 200);
    }
    assert!(html.contains("&lt;b&gt;&amp;amp;") && !html.contains("<b>&amp; "));
    app.stop().await;
}

async fn page(app: &SandboxApp, headers: &[(&str, &str)]) -> String {
    let mut request = app
        .request(Method::GET, "/sandbox")
        .header("Accept", "text/html");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn page_shows_curl_lines_for_the_address_that_the_browser_used() {
    let app = SandboxApp::start().await;
    let html = page(&app, &[]).await;
    assert!(html.contains(&format!("curl '{}/api/", app.origin)));
    assert!(html.contains(&format!("curl {}/sandbox", app.origin)));
    let behind_a_proxy = [
        ("Host", "sandbox.example.com"),
        ("X-Forwarded-Proto", "https"),
    ];
    let html = page(&app, &behind_a_proxy).await;
    assert!(html.contains("curl 'https://sandbox.example.com/api/"));
    app.stop().await;
}

#[tokio::test]
async fn page_and_json_state_the_limits_that_are_enforced() {
    let app = SandboxApp::start().await;
    let guide = app.json("/sandbox").await;
    let limits = app.sandbox.limits();
    assert_eq!(guide["visitors"]["most"], limits.sessions);
    assert_eq!(guide["visitors"]["mostBytes"], limits.bytes);
    assert_eq!(guide["visitors"]["mostBytesEach"], MAX_GROWTH);
    assert_eq!(
        guide["visitors"]["idleSeconds"],
        limits.idle_timeout.as_secs()
    );
    let html = page(&app, &[]).await;
    for part in [
        format!("after {} minutes", limits.idle_timeout.as_secs() / 60),
        format!("the changes of {} visitors", limits.sessions),
        format!("up to {} MiB in all", limits.bytes >> 20),
        format!("one visitor may take {} MiB", MAX_GROWTH >> 20),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    app.stop().await;
}
