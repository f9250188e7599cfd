//! The disk that holds the file: its kind and its free space.
//!
//! Called by [`super::on_disk`]. On systems other than Linux, nothing is reported.

use std::path::Path;

use crate::store::doctor::{Check, Finding};
#[cfg(target_os = "linux")]
use crate::store::sqlite::file;

/// With less, a server that is in use stops within days.
const MIN_FREE: u64 = 32 << 20;

/// File systems of other machines, by the number that `statfs` returns. SQLite's locks and its shared memory do not work
/// across machines. Source: `linux/magic.h`.
const REMOTE: [(u32, &str); 10] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
];

/// Checks that the file is on a local disk.
#[cfg(target_os = "linux")]
pub(super) fn file_system(path: &Path) -> Option<Finding> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    // The numbers have 32 bits; the type of the field differs between processors.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    Some(of_file_system(kind as u32))
}

/// Checks that the disk has room for the next writes, and for a copy of the file.
#[cfg(target_os = "linux")]
pub(super) fn disk_space(path: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let used = size(path) + size(&file::wal_path(path));
    Some(of_space(disk.f_bavail.saturating_mul(disk.f_frsize), used))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn file_system(_: &Path) -> Option<Finding> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn disk_space(_: &Path) -> Option<Finding> {
    None
}

fn of_file_system(kind: u32) -> Finding {
    match REMOTE.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => Check::FileSystem.warn(
            format!(
                "the file is on a network file system ({name}), whose locks SQLite cannot rely on"
            ),
            "move the file to a local disk",
        ),
        None => Check::FileSystem.ok("the file is on a local file system"),
    }
}

fn of_space(free: u64, used: u64) -> Finding {
    let text = format!(
        "the disk has {} MB free, the database has {} MB",
        free >> 20,
        used >> 20
    );
    if free < MIN_FREE {
        Check::DiskSpace.fail(text, "free some space; writes fail on a full disk")
    } else if free < used {
        Check::DiskSpace.warn(
            format!("{text}: a copy, a restore or a migration does not fit"),
            "free some space, or write copies to another disk",
        )
    } else {
        Check::DiskSpace.ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::doctor::Level;

    #[test]
    fn file_system_of_another_machine_is_a_warning() {
        let tmpfs = 0x0102_1994;
        let ext4 = 0xef53;
        for kind in [tmpfs, ext4] {
            assert_eq!(of_file_system(kind).level, Level::Ok);
        }
        for (kind, name) in REMOTE {
            let finding = of_file_system(kind);
            assert_eq!(finding.level, Level::Warn);
            assert!(finding.message.contains(name), "{finding:?}");
        }
    }

    #[test]
    fn disk_space_warns_without_room_for_a_copy_and_fails_without_room_for_writes() {
        let mb = 1 << 20;
        for (free, used, level) in [
            (33 * mb, 33 * mb, Level::Ok),
            (33 * mb, 34 * mb, Level::Warn),
            (31 * mb, mb, Level::Fail),
            (0, 0, Level::Fail),
        ] {
            assert_eq!(of_space(free, used).level, level, "{free} of {used}");
        }
    }
}
