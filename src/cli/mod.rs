//! The command line: this struct is the manual.
//!
//! One file a command, each with its arguments and its `run`. A command that cannot do its work returns an
//! [`Error`]: one line for the person at the terminal, and an exit code.

mod address;
mod database;
mod demo;
mod error;
mod healthcheck;
mod serve;
mod signal;
mod token;
mod trust;

use std::io::{self, Write};

use clap::{Parser, Subcommand};

pub use self::error::Error;

/// One binary and one SQLite file that answer the API-key operations of the Timbrix API.
#[derive(Debug, Parser)]
#[command(name = "llavero", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API from a database file.
    Serve(serve::Args),
    /// Print a bearer token that `serve` accepts.
    Token(token::Args),
    /// Print the OpenAPI document.
    Openapi,
    /// Ask a running server whether it can answer: exit code 0 if so, 1 if not. For containers.
    Healthcheck(healthcheck::Args),
}

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// The one-line form of what clap has to say. Help and version are printed, and the process ends.
    pub fn from_command_line() -> Result<Self, Error> {
        Self::try_parse().map_err(|error| Error::from_clap(&error))
    }

    /// Runs the command to its end.
    ///
    /// # Errors
    /// When it could not do its work.
    pub fn run(self) -> Result<(), Error> {
        match self.command {
            Command::Serve(args) => args.run(),
            Command::Token(args) => args.run(),
            Command::Openapi => print(&crate::api::document()?),
            Command::Healthcheck(args) => args.run(),
        }
    }
}

/// Writes to standard output. A reader that has left (`| head`) is not an error.
fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::refused(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serve_has_its_environment_variable() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for argument in serve.get_arguments() {
            let Some(flag) = argument.get_long().filter(|flag| *flag != "help") else {
                continue;
            };
            let variable = format!("LLAVERO_{}", flag.to_uppercase().replace('-', "_"));
            let found = argument.get_env().and_then(|name| name.to_str());
            assert_eq!(found, Some(variable.as_str()), "--{flag}");
        }
    }
}
