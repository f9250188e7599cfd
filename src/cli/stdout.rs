//! Finds out whether standard output is a stream, a file or the null device.
//!
//! Used by the commands that create a secret, which is printed only there, and by `serve`, which prints its address.

use std::io;
#[cfg(unix)]
use std::{
    fs::{self, File, Metadata},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
};

use super::Error;

/// Fails if standard output is closed or the null device. Called before a secret is created, which would be lost.
pub(super) fn require_stdout() -> Result<(), Error> {
    if is_null_device().unwrap_or(false) {
        return Err(Error::usage(
            "standard output is closed or /dev/null, and the new secret is printed only there; nothing was changed: \
             run the command again with a terminal, a file or a pipe as standard output",
        ));
    }
    Ok(())
}

/// Returns whether standard output is a terminal, a pipe or a socket, which cannot be full as a file can.
#[cfg(unix)]
pub(super) fn is_stream() -> bool {
    let is_stream = |metadata: Metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_socket()
    };
    io::IsTerminal::is_terminal(&io::stdout()) || metadata().is_ok_and(is_stream)
}

#[cfg(not(unix))]
pub(super) fn is_stream() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}

/// Returns whether standard output is the null device. Before `main`, the standard library opens the null device in place
/// of a closed descriptor, so a closed standard output looks the same.
#[cfg(unix)]
fn is_null_device() -> io::Result<bool> {
    let (stdout, null) = (metadata()?, fs::metadata("/dev/null")?);
    Ok(stdout.file_type().is_char_device() && stdout.rdev() == null.rdev())
}

#[cfg(not(unix))]
fn is_null_device() -> io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
fn metadata() -> io::Result<Metadata> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()
}
