//! Checks of the file from the outside: its version, names, mode, disk and log.
//!
//! Called by [`super::examine`]. Nothing here opens the file with SQLite.

use std::{
    fs::{self, Metadata},
    path::Path,
};

use super::space;
use crate::store::{
    doctor::{Check, Finding},
    sqlite::{file, schema, server_lock::ServerLock},
};

/// SQLite moves the log into the file at 4 MB. It grows while another process reads from it.
const LARGE_LOG: u64 = 64 << 20;

/// Checks a file that is a database of llavero, or empty.
pub(super) fn format_and_version(path: &Path) -> Vec<Finding> {
    let found = match file::version(path) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return vec![Check::Format.fail(
                "the file is empty",
                "start `llavero serve` on it, which makes a database of it, or restore a copy",
            )];
        }
        Err(error) => {
            return vec![Check::File.fail(
                format!("{} cannot be read: {error}", path.display()),
                "check the path and its permissions",
            )];
        }
    };
    let format = Check::Format.ok("the file is a llavero database");
    let known = schema::known_version();
    let version = if found < known {
        Check::Version.warn(
            format!("the file has schema version {found}, this llavero writes version {known}"),
            "start `llavero serve` on it once, which brings it up to date",
        )
    } else {
        Check::Version.ok(format!("the file has schema version {found}"))
    };
    vec![format, version]
}

/// Checks the mode, the names and the disk, and whether a server has the file open.
pub(super) fn surroundings(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(metadata) = fs::metadata(path) {
        findings.extend(mode_and_names(path, &metadata));
    }
    findings.extend(space::file_system(path));
    findings.extend(space::disk_space(path));
    findings.push(Check::Server.ok(if ServerLock::is_held(path) {
        "a server has the file open"
    } else {
        "no server has the file open"
    }));
    findings
}

#[cfg(unix)]
fn mode_and_names(path: &Path, metadata: &Metadata) -> Vec<Finding> {
    use std::os::unix::fs::MetadataExt;
    vec![
        mode(path, metadata.mode() & 0o777),
        names(metadata.nlink(), metadata.ino()),
    ]
}

#[cfg(not(unix))]
fn mode_and_names(_: &Path, _: &Metadata) -> Vec<Finding> {
    Vec::new()
}

fn mode(path: &Path, mode: u32) -> Finding {
    let of_others = mode & 0o077;
    if of_others == 0 {
        Check::Mode.ok(format!("the file has mode {mode:04o}"))
    } else {
        Check::Mode.warn(
            format!(
                "the file has mode {mode:04o}: other users can open it, and it holds the secret that signs tokens"
            ),
            format!("run `chmod 600 {}`", path.display()),
        )
    }
}

fn names(count: u64, inode: u64) -> Finding {
    if count < 2 {
        return Check::HardLinks.ok("the file has one name");
    }
    Check::HardLinks.warn(
        format!("the file has {count} names (hard links): opening it by two of them damages it"),
        format!("find them with `find / -xdev -inum {inode}` and remove the others"),
    )
}

/// Checks the size of the log and the journal mode.
pub(super) fn log(path: &Path) -> Vec<Finding> {
    let bytes = fs::metadata(file::wal_path(path)).map_or(0, |log| log.len());
    let size = if bytes > LARGE_LOG {
        Check::WalSize.warn(
            format!("the write-ahead log has {} MB: a process that reads from it keeps it from being moved into the file", bytes >> 20),
            "end the process, for instance a SQLite shell with an open transaction (`fuser` names the processes)",
        )
    } else {
        Check::WalSize.ok(format!("the write-ahead log has {bytes} bytes"))
    };
    let is_served = ServerLock::is_held(path);
    let mode = match file::is_in_wal_mode(path) {
        Ok(true) => Check::JournalMode.ok("the file is in WAL mode"),
        Ok(false) if is_served => Check::JournalMode.warn(
            "the file is served, but not in WAL mode: reads and writes block each other",
            "restart the server",
        ),
        _ => Check::JournalMode.ok("the file is not in WAL mode, like a copy; `serve` switches it"),
    };
    vec![size, mode]
}
