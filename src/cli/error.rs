//! How a command fails: one line, and an exit code.
//!
//! 2 is a call or a machine that has to be put right first; 1 is a plain "no".

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

/// Why a command did not do its work. Displays as one line.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub struct Error {
    line: String,
    code: u8,
}

impl Error {
    /// A call that cannot be carried out as it stands, or a machine that does not let it.
    pub(super) fn usage(line: impl AsRef<str>) -> Self {
        Self::new(line.as_ref(), 2)
    }

    /// The answer is no.
    pub(super) fn failed(line: impl AsRef<str>) -> Self {
        Self::new(line.as_ref(), 1)
    }

    /// Paths, arguments and messages of SQLite may contain line breaks and other unprintable characters.
    fn new(line: &str, code: u8) -> Self {
        let parts = line.split(char::is_control).filter(|part| !part.is_empty());
        let line = parts.collect::<Vec<_>>().join(" ");
        Self {
            line: escape_text(&line),
            code,
        }
    }

    /// Prints the error on standard error, as one line. A failure to do so is ignored.
    pub fn print(&self) {
        note(&format!("error: {self}"));
    }

    /// Describes a wrong command line. Help and version are no errors: they are printed, and the process ends.
    pub(super) fn from_clap(error: &clap::Error) -> Self {
        let asks_for_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if asks_for_help || !error.use_stderr() {
            error.exit();
        }
        Self::usage(usage_error::describe(error, env::args_os().skip(1)))
    }

    /// The process's exit code.
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
            "; try again, and if it stays so, look at the disk and at who else writes to the file"
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
