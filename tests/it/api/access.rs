//! Read access: random organizations against the membership rule, and equal responses for foreign and missing objects.

use llavero::model::Seed;
use proptest::prelude::*;
use reqwest::{Response, StatusCode, header};
use tokio::runtime::Runtime;

use crate::{
    api::generators::{self, ORGANIZATIONS, USERS},
    support::{
        ACME, ANA, BETO, CARLA, DIEGO, EVA, GLOBEX, GLOBEX_WEBSITE, INITECH, PRODUCTION, TestApp,
        key_path, stats_path,
    },
};

/// The expected access of a user to a key of an organization, each by its number.
fn expected(seed: &Seed, user: usize, organization: usize, key: usize) -> StatusCode {
    let id = generators::organization(organization);
    let is_member = seed.members.iter().any(|(organization, member)| {
        *organization == id && member.user.as_str() == generators::user(user)
    });
    let owns = seed
        .keys
        .iter()
        .any(|stored| stored.organization == id && stored.id == generators::key(key));
    match (is_member, owns) {
        (false, _) => StatusCode::FORBIDDEN,
        (true, false) => StatusCode::NOT_FOUND,
        (true, true) => StatusCode::OK,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn users_read_exactly_the_keys_of_their_organizations(seed in generators::world()) {
        Runtime::new().unwrap().block_on(async {
            let app = TestApp::with_seed(seed.clone()).await;
            // One organization and one key more than there are.
            for user in 0..USERS {
                for organization in 0..=ORGANIZATIONS {
                    for key in 0..=seed.keys.len() {
                        let expected = expected(&seed, user, organization, key);
                        let key = generators::key(key).0.to_string();
                        for name in [generators::organization(organization).0.to_string(), generators::slug(organization)] {
                            let answer = app.get(&generators::user(user), &key_path(&name, &key)).await;
                            assert_eq!(answer.status(), expected, "user {user}, {name}, {key}");
                        }
                    }
                    let answer = app.get(&generators::user(user), &stats_path(&generators::slug(organization))).await;
                    let may = expected_for_stats(&seed, user, organization);
                    assert_eq!(answer.status(), may, "user {user}, organization {organization}");
                }
            }
            app.stop().await;
        });
    }
}

fn expected_for_stats(seed: &Seed, user: usize, organization: usize) -> StatusCode {
    match expected(seed, user, organization, usize::MAX) {
        StatusCode::FORBIDDEN => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    }
}

/// Everything of an answer that its caller can see, but for what differs between any two.
async fn visible(response: Response) -> (StatusCode, Vec<(String, String)>, String) {
    let status = response.status();
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| *name != header::DATE && *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    (status, headers, response.text().await.unwrap())
}

#[tokio::test]
async fn reading_is_allowed_to_every_role() {
    let app = TestApp::demo().await;
    for user in [ANA, BETO, CARLA] {
        app.json(user, &key_path(ACME, PRODUCTION)).await;
        app.json(user, &stats_path(ACME)).await;
    }
}

#[tokio::test]
async fn foreign_organization_and_missing_organization_get_the_same_response() {
    let app = TestApp::demo().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (foreign, missing) in [(GLOBEX, unknown), ("globex", "no-such-slug")] {
        for key in [
            "stats",
            "stats?days=7",
            PRODUCTION,
            GLOBEX_WEBSITE,
            "not-an-id",
        ] {
            let foreign = visible(app.get(ANA, &key_path(foreign, key)).await).await;
            let missing = visible(app.get(ANA, &key_path(missing, key)).await).await;
            assert_eq!(foreign.0, StatusCode::FORBIDDEN, "{key}");
            assert_eq!(foreign, missing, "{key}");
        }
    }
}

#[tokio::test]
async fn foreign_key_and_missing_key_get_the_same_response() {
    let app = TestApp::demo().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let foreign = visible(app.get(ANA, &key_path(ACME, GLOBEX_WEBSITE)).await).await;
    assert_eq!(foreign.0, StatusCode::NOT_FOUND);
    for key in [unknown, "not-an-id", "STATS", "%00", "sk_abc"] {
        let missing = visible(app.get(ANA, &key_path(ACME, key)).await).await;
        assert_eq!(foreign, missing, "{key}");
    }
    // Ana owns both organizations; a key is still only where it belongs.
    let elsewhere = visible(app.get(ANA, &key_path(INITECH, PRODUCTION)).await).await;
    assert_eq!(foreign, elsewhere);
}

#[tokio::test]
async fn user_without_memberships_reads_nothing() {
    let app = TestApp::demo().await;
    for organization in [ACME, GLOBEX, INITECH, "acme-corp", "globex", "initech"] {
        for path in [stats_path(organization), key_path(organization, PRODUCTION)] {
            assert_eq!(app.get(EVA, &path).await.status(), StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn removed_member_is_rejected_from_the_next_request_on() {
    let app = TestApp::demo().await;
    let other = app.other_connection();
    for round in 0..50 {
        app.json(DIEGO, &stats_path("globex")).await;
        other
            .execute("DELETE FROM memberships WHERE user_id = ?1", [DIEGO])
            .unwrap();
        for path in [stats_path("globex"), key_path(GLOBEX, GLOBEX_WEBSITE)] {
            let answer = app.get(DIEGO, &path).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "round {round}");
        }
        other
            .execute(
                "INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES (?1, ?2, 'owner', 0)",
                [GLOBEX, DIEGO],
            )
            .unwrap();
    }
}

#[tokio::test]
async fn path_with_sql_is_an_unknown_organization_or_key() {
    let app = TestApp::demo().await;
    for text in [
        "'%20OR%201=1%20--",
        "acme-corp'--",
        "%22%3B%20DROP%20TABLE%20api_keys%3B",
        "%00",
        "acme%2Dcorp%00",
    ] {
        let answer = app.get(ANA, &stats_path(text)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{text}");
        let answer = app.get(ANA, &key_path(ACME, text)).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{text}");
    }
    app.json(ANA, &key_path(ACME, PRODUCTION)).await;
}
