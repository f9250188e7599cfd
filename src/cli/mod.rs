//! The command line. The doc comments of the arguments are the text of `--help`.
//!
//! Each command has one file with its arguments and its `run`. Arguments that several commands share are in their own
//! files: [`database`], [`organization`], [`output`]. Called by `main`. A command that fails returns an [`Error`], which
//! is printed as one line and has an exit code.

mod address;
mod audit;
mod backup;
mod base_path;
mod claim;
mod completions;
mod database;
mod doctor;
mod error;
mod escape;
mod explicit;
mod get;
mod healthcheck;
mod key;
mod key_file;
mod login;
mod member;
mod openapi;
mod org;
mod organization;
mod output;
mod progress;
mod restore;
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

/// An API-key service in one binary and one SQLite file. Implements the API-key operations of the Timbrix API.
#[derive(Debug, Parser)]
#[command(name = "llavero", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API from a database file, or from memory with --sandbox.
    Serve(WithSources<serve::Args>),
    /// Print a bearer token that `serve` accepts.
    Token(WithSources<token::Args>),
    /// Print a link that signs a user in to the dashboard, once within 5 minutes.
    Login(login::Args),
    /// Create and list organizations.
    #[command(subcommand)]
    Org(org::Command),
    /// Add, remove and list the members of an organization.
    #[command(subcommand)]
    Member(member::Command),
    /// Create, list, show, update, disable, rotate and revoke API keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Import and export usage counts.
    #[command(subcommand)]
    Usage(usage::Command),
    /// Print the audit log of an organization.
    Audit(audit::Args),
    /// Copy the database, also while a server uses it.
    Backup(backup::Args),
    /// Put a copy in the place of the database. Revocations since the copy are applied again.
    Restore(restore::Args),
    /// Print the API's response to a GET request, without a server. Exits with 0 if the status is 2xx, else with 1.
    Get(WithSources<get::Args>),
    /// Print the OpenAPI document.
    Openapi(WithSources<openapi::Args>),
    /// Examine the database file without changing it. Exits with 0 if nothing is wrong, 1 with warnings, 3 with failures.
    Doctor(doctor::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Check that a server is ready, for instance in a container. Exits with 0 if it is, else with 1.
    Healthcheck(healthcheck::Args),
}

/// The clock and the random generator of the operating system.
struct System {
    clock: Clock,
    random: Random,
}

impl Cli {
    /// Parses the command line and the environment variables. For `--help` and `--version`, prints and exits.
    ///
    /// # Errors
    /// If the command line is wrong.
    pub fn from_command_line() -> Result<Self, Error> {
        Self::try_parse().map_err(|error| Error::from_clap(&error))
    }

    /// Runs the command. Returns the exit code of the process.
    ///
    /// # Errors
    /// If the command failed.
    pub fn run(self) -> Result<ExitCode, Error> {
        let system = System {
            clock: Clock::system(),
            random: Random::system(),
        };
        match self.command {
            Command::Serve(command) => serve::run(&command, &system),
            Command::Token(command) => token::run(command, &system),
            Command::Login(args) => args.run(&system),
            Command::Org(command) => command.run(&system),
            Command::Member(command) => command.run(&system),
            Command::Key(command) => command.run(&system),
            Command::Usage(command) => command.run(&system),
            Command::Audit(args) => args.run(&system),
            Command::Backup(args) => args.run(&system),
            Command::Restore(args) => args.run(&system),
            Command::Completions(args) => args.run(),
            Command::Doctor(args) => return args.run(&system),
            Command::Get(command) => return get::run(&command, &system),
            Command::Openapi(command) => openapi::run(&command),
            Command::Healthcheck(args) => args.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Parses an argument. The error is the rule that the type has for its text.
fn parse_arg<T: TryFrom<String, Error = &'static str>>(text: &str) -> Result<T, &'static str> {
    text.to_owned().try_into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_passes_the_checks_of_clap() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_has_an_environment_variable_for_every_flag() {
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
