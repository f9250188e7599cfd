//! The command line: this struct is the manual.
//!
//! One file a command, each with its arguments and its `run`. What several share is in files of its own: which
//! database, which organization, how to print. A command that cannot do its work returns an
//! [`Error`]: one line for the person at the terminal, and an exit code.

mod address;
mod audit;
mod base_path;
mod completions;
mod database;
mod error;
mod escape;
mod explicit;
mod get;
mod healthcheck;
mod key;
mod key_file;
mod member;
mod openapi;
mod org;
mod organization;
mod output;
mod serve;
mod signal;
mod stdout;
mod time_arg;
mod token;
mod token_key;
mod usage;
mod usage_error;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::error::Error;
use self::{explicit::WithSources, output::print};
use crate::model::{Clock, Random};

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
    Serve(WithSources<serve::Args>),
    /// Print a bearer token that `serve` accepts.
    Token(token::Args),
    /// Create and list organizations.
    #[command(subcommand)]
    Org(org::Command),
    /// Add, remove and list the members of an organization.
    #[command(subcommand)]
    Member(member::Command),
    /// Create, list, show, rotate and revoke API keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Import and export uses of keys.
    #[command(subcommand)]
    Usage(usage::Command),
    /// Print who did what in an organization, and when.
    Audit(audit::Args),
    /// Print what the API answers to a GET, without a server: exit code 0 for a success, 1 for anything else.
    Get(WithSources<get::Args>),
    /// Print the OpenAPI document.
    Openapi(WithSources<openapi::Args>),
    /// Print a script that completes commands in a shell.
    Completions(completions::Args),
    /// Ask a running server whether it can answer: exit code 0 if so, 1 if not. For containers.
    Healthcheck(healthcheck::Args),
}

/// What a command takes from the machine it runs on.
struct System {
    clock: Clock,
    random: Random,
}

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// If the command line is wrong. Help and version are printed, and the process ends.
    pub fn from_command_line() -> Result<Self, Error> {
        Self::try_parse().map_err(|error| Error::from_clap(&error))
    }

    /// Runs the command to its end; the process's exit code.
    ///
    /// # Errors
    /// When it could not do its work.
    pub fn run(self) -> Result<ExitCode, Error> {
        let system = System {
            clock: Clock::system(),
            random: Random::system(),
        };
        match self.command {
            Command::Serve(command) => serve::run(&command, &system),
            Command::Token(args) => args.run(&system),
            Command::Org(command) => command.run(&system),
            Command::Member(command) => command.run(&system),
            Command::Key(command) => command.run(&system),
            Command::Usage(command) => command.run(&system),
            Command::Audit(args) => args.run(&system),
            Command::Completions(args) => args.run(),
            Command::Get(command) => return get::run(&command, &system),
            Command::Openapi(command) => openapi::run(&command),
            Command::Healthcheck(args) => args.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads an argument of a type that knows what is wrong with a text.
fn parse_arg<T: TryFrom<String, Error = &'static str>>(text: &str) -> Result<T, &'static str> {
    text.to_owned().try_into()
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
