//! Reads a file that holds keys or a secret, for `--jwt-secret-file`, `--jwt-public-key` and `--jwt-jwks`.
//!
//! Used by [`super::token_key`]. A user who can write to such a file can sign tokens for every user. Therefore a file that
//! its group or other users can write to is rejected, as OpenSSH's server rejects an `authorized_keys` file. Read
//! permissions are not checked, because containers mount secrets readable by all. A pipe is accepted for process
//! substitution, `<(pass show llavero)`. The size is bounded.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    path::Path,
};

use super::Error;

/// The maximum size in bytes. PEM keys are far smaller.
const MAX_SIZE: usize = 64 * 1024;

/// Reads the whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let name = path.display();
    let cannot_read = |error: io::Error| {
        Error::usage(format!(
            "cannot read {name}: {error}; check the path and its permissions"
        ))
    };
    let file = File::open(path).map_err(cannot_read)?;
    let metadata = file.metadata().map_err(cannot_read)?;
    if metadata.is_dir() {
        return Err(cannot_read(ErrorKind::IsADirectory.into()));
    }
    if !is_file_or_pipe(&metadata) {
        return Err(Error::usage(format!(
            "{name} is a device; name a file or a pipe that holds the key"
        )));
    }
    if is_writable_by_others(&metadata) {
        return Err(Error::usage(format!(
            "{name} can be written by users other than its owner, who could then sign tokens; run `chmod go-w {name}`"
        )));
    }
    let mut content = Vec::new();
    let limit = MAX_SIZE as u64 + 1;
    file.take(limit)
        .read_to_end(&mut content)
        .map_err(cannot_read)?;
    if content.len() > MAX_SIZE {
        return Err(Error::usage(format!(
            "{name} is larger than 64 KiB, so it is not a key; check the path"
        )));
    }
    Ok(content)
}

#[cfg(unix)]
fn is_file_or_pipe(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.is_file() || metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_file_or_pipe(metadata: &Metadata) -> bool {
    metadata.is_file()
}

#[cfg(unix)]
fn is_writable_by_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn is_writable_by_others(_: &Metadata) -> bool {
    false
}
