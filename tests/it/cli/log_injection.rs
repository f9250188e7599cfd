//! Log injection: each response has one well-formed log line, for requests of arbitrary bytes.

use std::fmt::Write;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    cli::logs::{answers, assert_printable, json_lines, send},
    support::TestDir,
};

#[test]
fn log_has_one_well_formed_line_for_arbitrary_request_bytes() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json"]);
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let mut runner = TestRunner::new(Config::with_cases(200));
    let outcome = runner.run(&(bytes(), bytes(), bytes()), |(path, id, raw)| {
        let mut request = "GET /".to_owned();
        for byte in path {
            write!(request, "%{byte:02x}").unwrap();
        }
        request += " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: ";
        let parts = [request.as_bytes(), &id, b"\r\nX-Raw: ", &raw, b"\r\n\r\n"];

        let before = server.log().len();
        let answered = answers(&send(&server, &parts.concat()));
        let new = server.log().split_off(before);
        assert_printable(&new);
        prop_assert_eq!(json_lines(&new).len(), answered);
        Ok(())
    });
    outcome.unwrap();
    assert_ne!(server.log(), "");
}
