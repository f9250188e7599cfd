//! `llavero login`, and the link that `serve --demo` prints.

use reqwest::Method;

use crate::support::{ANA, Api, EVA, Server, TestDir};

/// The path of a link that begins with `origin`.
fn path<'a>(link: &'a str, origin: &str) -> &'a str {
    let path = link.strip_prefix(origin).unwrap();
    assert!(path.starts_with("/login?code="), "{link}");
    path
}

/// Presses the button of a link, and follows the redirects. There is no cookie, so they end at the sign-in page.
fn press(server: &Server, path: &str) -> u16 {
    let api = Api::new(&format!("http://{}", server.address), None);
    let code = path.strip_prefix("/login?").unwrap();
    let request = api.request(Method::POST, "/login");
    let request = request.header("Sec-Fetch-Site", "same-origin");
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    api.send(request.body(code.to_owned())).status
}

fn login(home: &TestDir, args: &[&str]) -> String {
    let outcome = home.run(&[&["login", "--user", ANA], args].concat());
    outcome.success().trim_end().to_owned()
}

#[test]
fn login_prints_a_link_of_the_server_that_was_started_last() {
    let home = TestDir::demo();
    let before = login(&home, &[]);
    assert!(before.starts_with("http://localhost:"), "{before}");
    let server = home.serve(&[]);
    let origin = format!("http://localhost:{}", server.address.port());
    let link = login(&home, &[]);
    let path = path(&link, &origin);
    for _ in 0..2 {
        let page = server.get_at_root(path);
        assert_eq!(page.status, 200);
        assert!(page.body.contains(ANA), "{page:?}");
    }
    assert_eq!(press(&server, path), 200);
    assert_eq!(server.get_at_root(path).status, 403);
    assert_eq!(press(&server, path), 403);
    server.stop();
    let public = "https://keys.example.com";
    home.serve(&["--public-url", public]).stop();
    assert!(login(&home, &[]).starts_with("https://keys.example.com/login?code="));
    let other = login(&home, &["--public-url", "http://10.0.0.1:8080/"]);
    assert!(
        other.starts_with("http://10.0.0.1:8080/login?code="),
        "{other}"
    );
}

#[test]
fn login_fails_for_a_user_without_membership() {
    let home = TestDir::demo();
    let outcome = home.run(&["login", "--user", EVA]);
    let error = outcome.failure(1);
    assert!(
        error.contains("not a member of any organization"),
        "{error}"
    );
    let outcome = home.run(&["login", "--user", ANA, "--public-url", "keys.example.com"]);
    let error = outcome.failure(2);
    assert!(error.contains("https://keys.example.com"), "{error}");
}

#[test]
fn demo_prints_a_link_first_that_works_several_times() {
    let home = TestDir::new();
    let mut server = home.serve(&["--demo"]);
    assert_eq!(server.next_line(), "\n");
    assert_eq!(server.next_line(), "The dashboard, as Ana, for 24 hours:\n");
    let link = server.next_line();
    let origin = format!("http://localhost:{}", server.address.port());
    let path = path(link.trim_end(), &origin);
    for _ in 0..2 {
        assert_eq!(press(&server, path), 200);
        assert_eq!(server.get_at_root(path).status, 200);
    }
}
