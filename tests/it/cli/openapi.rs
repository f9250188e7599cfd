//! `llavero openapi`: the printed document is the served one, with the chosen server first.

use std::{fs::File, io, path::Path, process::Stdio};

use serde_json::Value;

use crate::support::{JWT_SECRET, TestDir, is_available, run};

#[test]
fn openapi_prints_the_served_document() {
    let home = TestDir::new();
    let outcome = home.run(&["openapi"]);
    let printed: Value = serde_json::from_str(outcome.success()).unwrap();
    assert_eq!(printed["openapi"], "3.1.0");
    for base in ["/api", "/v2", "/"] {
        let server = home.serve(&["--base-path", base]);
        let path = format!("{}/openapi.json", base.trim_end_matches('/'));
        let mut fetched = server.get_at_root(&path).json();
        let this_server = fetched["servers"].as_array_mut().unwrap().remove(0);
        assert_eq!(this_server["url"], base);
        assert_eq!(fetched, printed, "{base}");
    }
}

#[test]
fn openapi_server_is_listed_first_and_used_in_samples() {
    let home = TestDir::new();
    let url = "https://keys.example.com/v1";
    for args in [&["openapi"][..], &["openapi", "--sandbox"]] {
        let outcome = home.run(&[args, &["--server", url]].concat());
        let document: Value = serde_json::from_str(outcome.success()).unwrap();
        assert_eq!(document["servers"][0]["url"], url, "{args:?}");
        assert_eq!(document["servers"].as_array().unwrap().len(), 3);
    }
    let outcome = home.run(&["openapi", "--sandbox", "--server", url]);
    let sample = format!("curl '{url}/organizations/");
    assert!(outcome.success().contains(&sample));
}

#[test]
fn openapi_server_must_be_an_http_url() {
    let home = TestDir::new();
    for url in [
        "keys.example.com",
        "ftp://keys.example.com",
        "https://keys.example.com/?x",
    ] {
        let outcome = home.run(&["openapi", "--server", url]);
        let line = outcome.failure(2);
        assert!(line.contains("write an http or https URL"), "{line}");
    }
}

#[test]
fn openapi_creates_no_database() {
    let home = TestDir::new();
    home.run(&["openapi"]).success();
    assert_eq!(home.files(), [""; 0]);
}

#[test]
fn openapi_to_a_closed_pipe_succeeds() {
    let home = TestDir::new();
    let binary = env!("CARGO_BIN_EXE_llavero");
    let line = "\"$0\" openapi | head -c 1";
    let outcome = run(&mut home.program("sh", &["-c", line, binary]));
    assert_eq!(outcome.success(), "{");

    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = home.command(&["openapi"]).stdout(writer).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn output_to_a_full_disk_is_an_error() {
    if !is_available("/dev/full", Path::new("/dev/full").exists()) {
        return;
    }
    let home = TestDir::new();
    for args in [
        &["openapi"][..],
        &["token", "--user", "x", "--jwt-secret", JWT_SECRET],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = home.command(args);
        let output = command
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(
            line.starts_with("error: cannot write to standard output"),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
