//! The binary: reads the command line, runs the command, tells how it ended. Everything else is the library's.

use std::process::ExitCode;

use llavero::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::from_command_line().and_then(Cli::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a person at a terminal asked")]
            {
                eprintln!("error: {error}");
            }
            error.exit_code()
        }
    }
}
