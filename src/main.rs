//! The binary: parses the command line, runs the command, and exits with its code.
//!
//! All other code is in the library, so tests and benchmarks run the same code. Only the allocator is chosen here,
//! because it is chosen once per process.

use std::process::ExitCode;

use llavero::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::from_command_line().and_then(Cli::run) {
        Ok(code) => code,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}
