//! Programs that a test needs and a machine may lack.
//!
//! A test without its tool passes on a developer's machine. With `LLAVERO_TEST_TOOLS=required`, which `.ci/run` sets
//! after it has installed them, it fails.

use std::{env, process::Command};

/// Whether `program` can be run. Panics if it cannot, and tools are required.
pub(crate) fn tool(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    is_available(program, output.is_ok())
}

/// Returns `found`. Panics if it is false, and tools are required.
pub(crate) fn is_available(name: &str, found: bool) -> bool {
    let are_required = env::var_os("LLAVERO_TEST_TOOLS").is_some_and(|value| value == "required");
    assert!(found || !are_required, "{name} is missing");
    found
}
