//! The secrets of a thousand keys are in no file, log or backup.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
};

use serde_json::json;

use crate::support::{ANA, DATABASE, TestDir};

/// Made over HTTP, by rotation, and by commands.
const MADE: [usize; 3] = [700, 250, 50];

/// All secrets of a home whose server has made and rotated keys.
fn make(home: &TestDir) -> Vec<String> {
    let mut secrets = Vec::new();
    let server = home.serve(&["--demo", "--log-format", "json"]);
    let api = server.api(&home.token(ANA, &[]));
    let path = "/organizations/acme-corp/api-keys";
    let mut ids = Vec::new();
    for n in 0..MADE[0] {
        let key = api
            .post(path, &json!({ "name": format!("Key {n}") }))
            .json();
        secrets.push(key["key"].as_str().unwrap().to_owned());
        ids.push(key["id"].as_str().unwrap().to_owned());
    }
    for id in ids.iter().take(MADE[1]) {
        let rotated = api.post(
            &format!("{path}/{id}/rotate"),
            &json!({ "graceSeconds": 60 }),
        );
        secrets.push(rotated.json()["key"].as_str().unwrap().to_owned());
    }
    for _ in 0..MADE[2] {
        let key = home.json(&["key", "create", "--org", "acme-corp", "--name", "x"]);
        secrets.push(key["key"].as_str().unwrap().to_owned());
    }
    // Secrets in paths, queries, tokens and field names.
    for secret in secrets.iter().take(5) {
        for wrong in [
            format!("{path}/{secret}"),
            format!("{path}?cursor={secret}"),
        ] {
            assert!(api.get(&wrong).status >= 400);
        }
        assert_eq!(server.get(secret, path).status, 401);
        let asked = json!({ "name": "x", secret: secret, "expiresAt": secret });
        assert_eq!(api.post(path, &asked).status, 400);
    }
    // Everything is still in the write-ahead log.
    let backup = "VACUUM INTO 'backup.db'";
    let backup = backup.replace("backup.db", home.path("backup.db").to_str().unwrap());
    home.sqlite(DATABASE).execute_batch(&backup).unwrap();
    for file in [DATABASE, "llavero.db-wal", "backup.db"] {
        fs::copy(home.path(file), home.path(&format!("{file}.then"))).unwrap();
    }
    let log = server.log();
    assert!(log.lines().count() > MADE[0] + MADE[1]);
    home.write("log", log);
    server.stop();
    secrets
}

#[test]
fn secrets_are_in_no_file_log_or_backup() {
    let home = TestDir::new();
    let secrets = make(&home);
    assert_eq!(secrets.len(), MADE.iter().sum::<usize>());
    let files = home.snapshot();
    assert!(files.contains_key("llavero.db-wal.then") && files.contains_key("log"));
    // Any 16 characters in a row, of the 32 besides the prefix and the four of the preview, would be too many.
    let parts: HashSet<&[u8]> = (secrets.iter())
        .flat_map(|secret| [&secret[3..19], &secret[19..35]])
        .map(str::as_bytes)
        .collect();
    for (name, bytes) in &files {
        let found = bytes.windows(16).find(|window| {
            let may_be = window.iter().all(u8::is_ascii_alphanumeric);
            may_be && parts.contains(window)
        });
        assert_eq!(found, None, "{name} holds a secret");
    }
    let previews = String::from_utf8_lossy(&files["backup.db"]).into_owned();
    assert!(previews.contains(&format!("sk_...{}", &secrets[MADE[0] - 1][35..])));
}

#[test]
fn secrets_are_no_arguments_of_key_commands() {
    // The arguments of all commands that create or show secrets. A new one must be added here, and must not be a secret.
    let mut flags = BTreeSet::new();
    let dir = TestDir::new();
    for command in ["create", "list", "show", "rotate", "revoke"] {
        let help = dir.run(&["key", command, "--help"]);
        let lines = help.success().lines().map(str::trim);
        let defined = lines.filter(|line| line.starts_with(['-', '<']));
        flags.extend(defined.map(|line| line.split("  ").next().unwrap().to_owned()));
    }
    let expected = [
        "--created-by <USER>",
        "--database <FILE>",
        "--days <N>",
        "--description <DESCRIPTION>",
        "--expires <TIME|DATE>",
        "--expires-within-days <N>",
        "--external-id <ID>",
        "--grace <TIME>",
        "--json",
        "--metadata <JSON>",
        "--name <NAME>",
        "--order <DIRECTION>",
        "--org <ORG>",
        "--quota <REQUESTS/day|month>",
        "--rate-limit <REQUESTS/TIME>",
        "--replace-new",
        "--scope <SCOPE>",
        "--search <TEXT>",
        "--sort <VALUE>",
        "--status <STATUS>",
        "--usage <USAGE>",
        "-h, --help",
        "<ID>",
    ];
    assert_eq!(Vec::from_iter(flags), expected);
    // An id that is a secret is refused: `key_secret_as_an_argument_is_rejected_and_not_printed`.
}
