//! The binary: reads the command line, runs the command, tells how it ended.
//!
//! Everything else is the library's, so that tests and benches run what runs here; only the allocator is chosen
//! for the process, and so in this file.

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
