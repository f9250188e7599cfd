//! `--demo`: its data, its output, databases that it leaves alone, and its secrets.

use std::fs;

use serde_json::Value;

use crate::{
    cli::demo_output::{DemoOutput, paste},
    support::{
        ACME, ANA, BETO, CARLA, DATABASE, DIEGO, EVA, GLOBEX, INITECH, PRODUCTION_PATH, STATS_PATH,
        Server, TestDir,
    },
};

const USERS: [(&str, &str); 5] = [
    ("Ana", ANA),
    ("Beto", BETO),
    ("Carla", CARLA),
    ("Diego", DIEGO),
    ("Eva", EVA),
];

/// Whether a user may read an organization's statistics.
fn may_read(server: &Server, token: &str, organization: &str) -> bool {
    let path = format!("/organizations/{organization}/api-keys/stats");
    match server.get(token, &path).status {
        200 => true,
        403 => false,
        status => panic!("{status} for {organization}"),
    }
}

#[test]
fn demo_prints_a_token_per_user_with_access_to_their_organizations() {
    let home = TestDir::new();
    let mut server = home.serve(&["--demo"]);
    let DemoOutput { tokens, .. } = DemoOutput::of(&mut server);
    let names: Vec<&str> = tokens.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, USERS.map(|(name, _)| name));
    let memberships = [
        [true, false, true],
        [true, false, false],
        [true, false, false],
        [false, true, false],
        [false; 3],
    ];
    for ((name, id), ((_, printed), expected)) in
        USERS.into_iter().zip(tokens.iter().zip(memberships))
    {
        // The documented id, not only whomever the printed token speaks for.
        for token in [printed, &home.token(id, &[])] {
            for by in [[ACME, GLOBEX, INITECH], ["acme-corp", "globex", "initech"]] {
                assert_eq!(
                    by.map(|organization| may_read(&server, token, organization)),
                    expected,
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn demo_has_every_documented_key() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let (ana, diego) = (home.token(ANA, &[]), home.token(DIEGO, &[]));
    let fixtures: Value =
        serde_json::from_str(include_str!("../../../fixtures/demo.json")).unwrap();
    let mut numbers = Vec::new();
    for organization in fixtures["organizations"].as_array().unwrap() {
        let keys = organization["keys"].as_array().unwrap();
        let slug = organization["slug"].as_str().unwrap();
        let token = if slug == "globex" { &diego } else { &ana };
        for key in keys {
            let path = format!(
                "/organizations/{slug}/api-keys/{}",
                key["id"].as_str().unwrap()
            );
            let answer = server.get(token, &path).json();
            assert_eq!(answer["name"], key["name"]);
            assert_eq!(answer["organizationId"], organization["id"]);
        }
        let stats = server.get(token, &format!("/organizations/{slug}/api-keys/stats"));
        assert_eq!(stats.json()["totalKeys"], keys.len());
        numbers.push((slug, keys.len()));
    }
    assert_eq!(numbers, [("acme-corp", 12), ("globex", 2), ("initech", 0)]);
    let busiest = server.get(&ana, PRODUCTION_PATH).json();
    assert_eq!(busiest["name"], "Production server");
}

#[test]
fn demo_usage_reaches_back_90_days() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let stats = server
        .get(&home.token(ANA, &[]), &format!("{STATS_PATH}?days=90"))
        .json();
    let daily = stats["daily"].as_array().unwrap();
    assert_eq!(daily.len(), 90);
    assert!(
        daily.iter().all(|day| day.to_string().contains("date")),
        "{stats}"
    );
    assert!(
        daily[..89]
            .iter()
            .all(|day| day["successfulRequests"].as_u64() > Some(0)),
        "{stats}"
    );
}

#[test]
fn demo_started_again_changes_nothing_and_prints_tokens() {
    let home = TestDir::new();
    home.serve(&["--demo"]).stop();
    let before = home.dump(DATABASE);
    let mut server = home.serve(&["--demo"]);
    let greeting = DemoOutput::of(&mut server);
    assert_eq!(greeting.tokens.len(), USERS.len());
    for line in &greeting.curls {
        paste(&home, line);
    }
    server.stop();
    assert!(home.dump(DATABASE) == before, "the content has changed");
}

#[test]
fn demo_leaves_a_database_with_other_organizations_alone_and_prints_no_tokens() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    home.run(&["org", "create", "--name", "Mine"]).success();
    let before = home.dump(DATABASE);
    let server = home.serve(&["--demo"]);
    assert_eq!(server.get_at_root("/readyz").status, 200);
    let outcome = server.stop();
    assert!(home.dump(DATABASE) == before, "the content has changed");
    let text = outcome.stdout;
    let sentence = "The demo data was not loaded: the database contains other organizations.";
    assert!(text.contains(sentence), "{text}");
    for absent in ["eyJ", "curl", "# Ana"] {
        assert!(!text.contains(absent), "{text}");
    }
}

#[test]
fn demo_recognises_its_database_whatever_was_changed_in_it() {
    let home = TestDir::demo();
    home.run(&["org", "create", "--name", "Mine"]).success();
    let remove = [
        "member",
        "remove",
        "--org",
        "acme-corp",
        "--user",
        ANA,
        "--force",
    ];
    home.run(&remove).success();
    let rename = [
        "org",
        "rename",
        "acme-corp",
        "--slug",
        "acme",
        "--name",
        "Acme",
    ];
    home.run(&rename).success();
    let mut server = home.serve(&["--demo"]);
    let greeting = DemoOutput::of(&mut server);
    assert_eq!(greeting.tokens.len(), USERS.len());
    for line in &greeting.curls {
        paste(&home, line);
    }
    let text = server.stop().stdout;
    for line in ["# Ana, owner of Initech\n", "# Beto, admin of Acme\n"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn demo_allows_web_pages_from_this_machine() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    home.run(&["org", "create", "--name", "Mine"]).success();
    let page = "http://localhost:5173";
    for (flags, expected) in [
        (&[][..], None),
        // Also if the demo data was not loaded.
        (&["--demo"], Some(page)),
        (
            &["--demo", "--cors-origin", "https://app.example.com"],
            Some(page),
        ),
    ] {
        let server = home.serve(flags);
        let api = server.api("x").with_header("origin", page);
        let answer = api.get(STATS_PATH);
        let header = answer.headers.get("access-control-allow-origin");
        let found = header.map(|header| header.to_str().unwrap());
        assert_eq!(found, expected, "{flags:?}");
    }
}

#[test]
fn serve_without_demo_has_no_data() {
    let home = TestDir::new();
    let outcome = home.serve(&[]).stop();
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
    assert!(
        !home
            .dump(DATABASE)
            .iter()
            .any(|row| row.contains("acme-corp"))
    );
}

#[test]
fn demo_secrets_are_in_no_file() {
    let fixtures: Value =
        serde_json::from_str(include_str!("../../../fixtures/demo.json")).unwrap();
    let organizations = fixtures["organizations"].as_array().unwrap();
    let keys = organizations
        .iter()
        .flat_map(|organization| organization["keys"].as_array().unwrap());
    let secrets: Vec<&str> = keys.map(|key| key["secret"].as_str().unwrap()).collect();
    assert_eq!(secrets.len(), 14);
    let assert_without = |what: &str, bytes: &[u8]| {
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {what}");
        }
    };

    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    assert!(fs::metadata(home.path("llavero.db-wal")).unwrap().len() > 0);
    for (file, bytes) in home.snapshot() {
        assert_without(&file, &bytes);
    }
    let outcome = server.stop();
    for (file, bytes) in home.snapshot() {
        assert_without(&file, &bytes);
    }
    assert_without("standard output", outcome.stdout.as_bytes());
    assert_without("standard error", outcome.stderr.as_bytes());
}
