//! `/metrics`: its address, its formats and its values.

use std::collections::HashMap;

use crate::support::{ANA, Answer, Api, PRODUCTION_PATH, PRODUCTION_SECRET, Server, TestDir, get};

/// A server and the address of its figures.
pub(crate) fn serve(home: &TestDir) -> (Server, String) {
    let mut server = home.serve(&["--demo", "--metrics-listen", "127.0.0.1:0"]);
    let url = metrics_url(&mut server);
    (server, url)
}

/// The address of the figures of a server that has just started.
pub(crate) fn metrics_url(server: &mut Server) -> String {
    let line = server.next_line();
    let url = line.trim_end().strip_prefix("metrics on ");
    url.unwrap().to_owned()
}

/// Scrapes `url`; returns the value of each sample by its name and labels.
pub(crate) fn samples(url: &str) -> HashMap<String, String> {
    let text = get(url, None).body;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn metrics_count_requests_validations_and_writes() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    let token = home.token(ANA, &[]);
    for _ in 0..3 {
        server.get(&token, PRODUCTION_PATH).json();
    }
    server.get(&token, "/nope");
    let key = Api::with_key(&server.api, PRODUCTION_SECRET);
    for _ in 0..2 {
        key.validate("").json();
    }
    key.validate("?scope=none");
    Api::with_key(&server.api, "x").validate("");
    Api::with_key(&server.api, "").validate("");

    let samples = samples(&url);
    let request = |route: &str, method: &str, status: u16| {
        let name = format!(
            "llavero_http_request_duration_seconds_count{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        );
        samples.get(&name).map(String::as_str)
    };
    let key = "/api/organizations/{organizationId}/api-keys/{id}";
    assert_eq!(request(key, "GET", 200), Some("3"));
    assert_eq!(request("-", "GET", 404), Some("1"));
    assert_eq!(request("/api/api-keys/validate", "POST", 200), Some("2"));
    assert_eq!(request("/api/api-keys/validate", "POST", 403), Some("1"));
    for (outcome, count) in [
        ("valid", "2"),
        ("missing_scopes", "1"),
        ("unknown", "1"),
        ("missing", "1"),
    ] {
        let name = format!("llavero_validations_total{{outcome=\"{outcome}\"}}");
        assert_eq!(
            samples.get(&name).map(String::as_str),
            Some(count),
            "{outcome}"
        );
    }
    // The address, the demo and its sign-in link were stored, and three uses were recorded, one after the other.
    for name in ["writer_group_size", "writer_commit_duration_seconds"] {
        assert_eq!(samples[&format!("llavero_{name}_count")], "6");
    }
    assert_eq!(samples["llavero_writer_queue_depth"], "0");
    assert!(samples["llavero_wal_bytes"].parse::<u64>().unwrap() > 4096);
    server.stop();
}

/// The response to a GET of `url` with this `Accept`.
fn scrape(url: &str, accept: &str) -> Answer {
    let origin = url.strip_suffix("/metrics").unwrap();
    Api::new(origin, None)
        .with_header("accept", accept)
        .get("/metrics")
}

#[test]
fn metrics_are_text_unless_accept_asks_for_openmetrics() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    Api::with_key(&server.api, PRODUCTION_SECRET).get("/api-keys/validate");

    let text = scrape(&url, "*/*");
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(text.headers["content-type"], content_type);
    assert_eq!(text.headers["vary"], "Accept");
    for line in [
        "# HELP llavero_validations_total Validations of API keys, by outcome.",
        "# TYPE llavero_validations_total counter",
        "# TYPE llavero_build_info gauge",
    ] {
        assert!(text.body.lines().any(|found| found == line), "{line}");
    }
    assert!(!text.body.contains("# EOF"));

    let openmetrics = scrape(&url, "application/openmetrics-text, text/plain;q=0.5");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(openmetrics.headers["content-type"], content_type);
    let counter = "# TYPE llavero_validations counter\n";
    assert!(openmetrics.body.contains(counter), "{}", openmetrics.body);
    assert!(openmetrics.body.ends_with("# EOF\n"));
    server.stop();
}

#[test]
fn metrics_count_the_keys_of_all_organizations_by_status() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    let keys = || {
        let samples = samples(&url);
        ["active", "revoked", "expired", "disabled"].map(|status| {
            let name = format!("llavero_keys{{status=\"{status}\"}}");
            samples[&name].parse::<u32>().unwrap()
        })
    };
    let [active, revoked, expired, disabled] = keys();
    // Twelve keys of Acme Corp and two of Globex.
    let total = active + revoked + expired + disabled;
    assert_eq!([total, revoked, expired, disabled], [14, 1, 1, 1]);
    Api::new(&server.api, Some(&home.token(ANA, &[]))).delete(PRODUCTION_PATH);
    assert_eq!(keys(), [active - 1, revoked + 1, expired, disabled]);
    server.stop();
}

#[test]
fn metrics_tell_the_version_and_the_use_of_resources() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    let samples = samples(&url);
    let version = format!(
        "llavero_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(samples[&version], "1");
    if cfg!(target_os = "linux") {
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_start_time_seconds",
            "process_open_fds",
            "process_max_fds",
            "process_threads",
        ] {
            let value: f64 = samples[name].parse().unwrap();
            assert!(value > 0.0 || name.contains("cpu"), "{name} {value}");
        }
    }
    server.stop();
}

#[test]
fn metrics_are_served_at_their_own_address_only() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    assert_eq!(server.get_at_root("/metrics").status, 404);
    assert_eq!(get(&url.replace("/metrics", "/healthz"), None).status, 404);
    server.stop();
    assert_eq!(home.serve(&[]).stop().stdout.lines().count(), 1);
}

#[test]
fn metrics_have_no_label_from_a_request() {
    let home = TestDir::new();
    let (server, url) = serve(&home);
    for path in ["/MARK", "/api/MARK?MARK=1"] {
        let request = format!("BREW {path} HTTP/1.1\r\nHost: MARK\r\nConnection: close\r\n\r\n");
        crate::cli::logs::send(&server, request.as_bytes());
    }
    let text = get(&url, None).body;
    assert!(text.contains("method=\"other\""), "{text}");
    assert!(!text.contains("MARK") && !text.contains("BREW"), "{text}");
}
