//! The error of a command: one line of text and an exit code.
//!
//! Code 2: the command line, the database file or the system must be corrected first. Code 1: the command was correct, but
//! failed, for instance because a record does not exist. Printed by `main`. Invariant: the text contains no control
//! characters.

use std::{env, io, process::ExitCode};

use clap::error::ErrorKind;

use super::{escape::escape_text, output::note, usage_error};
use crate::{
    api::SandboxError,
    model::RandomError,
    sandbox,
    store::{self, AccessError, OpenError},
    token::{KeyError, MintError},
};

/// The error of a command. Displays as one line.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub struct Error {
    line: String,
    code: u8,
}

impl Error {
    /// The command line or the system must be corrected first: exit code 2.
    pub(super) fn usage(line: impl AsRef<str>) -> Self {
        Self::new(line.as_ref(), 2)
    }

    /// The command was correct and failed: exit code 1.
    pub(super) fn failed(line: impl AsRef<str>) -> Self {
        Self::new(line.as_ref(), 1)
    }

    /// Replaces control characters by spaces and escapes other unprintable ones: paths, arguments and messages of SQLite
    /// may contain them.
    fn new(line: &str, code: u8) -> Self {
        let parts = line.split(char::is_control).filter(|part| !part.is_empty());
        let line = parts.collect::<Vec<_>>().join(" ");
        Self {
            line: escape_text(&line),
            code,
        }
    }

    /// Prints the error as one line on standard error. Ignores a failure to print.
    pub fn print(&self) {
        note(&format!("error: {self}"));
    }

    /// Converts an error of clap. For `--help` and `--version`, which are errors to clap, prints and exits.
    pub(super) fn from_clap(error: &clap::Error) -> Self {
        let asks_for_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if asks_for_help || !error.use_stderr() {
            error.exit();
        }
        Self::usage(usage_error::describe(error, env::args_os().skip(1)))
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.code.into()
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::usage(error.to_string())
    }
}

/// The operator may do everything, so an error other than the store's means that another process has changed the data.
impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let advice = if error.is_temporary() {
            "; try again; if the error persists, check the disk and other processes that write to the file"
        } else {
            ""
        };
        Self::usage(format!("{error}{advice}"))
    }
}

impl From<sandbox::StartError> for Error {
    fn from(error: sandbox::StartError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<SandboxError> for Error {
    fn from(error: SandboxError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<RandomError> for Error {
    fn from(error: RandomError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<MintError> for Error {
    fn from(error: MintError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::usage(format!("cannot write JSON: {error}"))
    }
}
