//! `llavero key list`: its filters and orders are those of the API's list.

use serde_json::Value;

use crate::support::{ANA, TestDir};

fn list(home: &TestDir, flags: &[&str]) -> Value {
    home.json(&[&["key", "list", "--org", "acme-corp"], flags].concat())
}

#[test]
fn key_list_selects_and_sorts_as_the_api_does() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let api = server.api(&home.token(ANA, &[]));
    for (flags, query) in [
        (&["--status", "revoked"][..], "status=revoked"),
        (&["--usage", "never"], "usage=never"),
        (&["--usage", "afterRevocation"], "usage=afterRevocation"),
        (&["--expires-within-days", "365"], "expiresWithinDays=365"),
        (&["--created-by", ANA], &format!("createdBy={ANA}")),
        (
            &["--external-id", "customer-portal"],
            "externalId=customer-portal",
        ),
        (
            &["--search", "PRODUCTION SERVER"],
            "search=PRODUCTION%20SERVER",
        ),
        (&["--sort", "lastUsedAt"], "sort=lastUsedAt"),
        (&["--days", "2"], "days=2"),
        (
            &["--sort", "totalRequests", "--order", "asc"],
            "sort=totalRequests&order=asc",
        ),
        (
            &["--status", "active", "--search", "e", "--sort", "expiresAt"],
            "status=active&search=e&sort=expiresAt",
        ),
    ] {
        let page = api
            .get(&format!("/organizations/acme-corp/api-keys?{query}"))
            .json();
        assert_eq!(list(&home, flags), page["items"], "{query}");
    }
    assert_eq!(
        list(&home, &["--search", "PRODUCTION SERVER"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn key_list_rejects_values_that_the_api_rejects() {
    let home = TestDir::demo();
    for (flag, value, hint) in [
        ("--status", "lost", "disabled"),
        ("--usage", "after-revocation", "afterRevocation"),
        ("--expires-within-days", "366", "365"),
        ("--created-by", "", "empty"),
        ("--external-id", "", "empty"),
        ("--search", "", "empty"),
        ("--sort", "name", "lastUsedAt"),
        ("--order", "up", "desc"),
    ] {
        let outcome = home.run(&["key", "list", "--org", "acme-corp", flag, value]);
        let line = outcome.failure(2);
        assert!(line.contains(flag) && line.contains(hint), "{line}");
    }
    let outcome = home.run(&["key", "list", "--org", "acme-corp", "--days", "7"]);
    assert!(
        outcome.failure(2).contains("--days needs --json"),
        "{outcome:?}"
    );
}

#[test]
fn key_list_in_a_pipe_has_last_use_requests_limit_and_expiry() {
    let home = TestDir::demo();
    let outcome = home.run(&["key", "list", "--org", "acme-corp"]);
    let lines: Vec<&str> = outcome.success().lines().collect();
    let heading: Vec<&str> = lines[0]
        .split("  ")
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let expected = [
        "ID",
        "NAME",
        "PREVIEW",
        "STATUS",
        "LAST USED",
        "REQUESTS",
        "LIMIT",
        "EXPIRES",
    ];
    assert_eq!(heading, expected);
    for key in list(&home, &[]).as_array().unwrap() {
        let id = key["id"].as_str().unwrap();
        let line = lines.iter().find(|line| line.starts_with(id)).unwrap();
        let day = |field: &str| {
            key[field]
                .as_str()
                .map_or("never", |at| &at[..10])
                .to_owned()
        };
        let limit = key["rateLimit"]
            .as_object()
            .map_or("unlimited".to_owned(), |limit| {
                format!("{}/{}s", limit["limit"], limit["windowSeconds"])
            });
        let requests = key["usage"]["totalRequests"].to_string();
        for cell in [day("lastUsedAt"), requests, limit, day("expiresAt")] {
            assert!(
                line.split_whitespace().any(|word| word == cell),
                "{cell}: {line}"
            );
        }
    }
}
