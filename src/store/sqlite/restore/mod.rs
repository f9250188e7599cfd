//! `llavero restore`: verifies a copy, brings it up to date, and puts it in the place of the database.
//!
//! Called by the command. [`source`] copies the bytes, [`current`] locks and reads the current file, [`history`] compares the
//! two, [`reapply`] applies again the revocations since the copy, and [`swap`] exchanges the files. Everything but the
//! exchange happens in a file of its own, `llavero.db-restoring`. Invariant: the current file is locked from before it
//! is read until the other one is in its place, so that no change to it is missed.

mod current;
mod history;
mod reapply;
mod source;
mod swap;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use self::current::Current;
pub(super) use self::swap::marker_path;
#[cfg(test)]
pub(super) use self::{
    history::{CHANGED_KEYS, CHANGED_MEMBERS, ENTRIES_AFTER},
    reapply::{RETIRE, SECRETS},
};
use super::{
    backup::CopyStep, connection, error, file, partial::Partial, schema, server_lock::ServerLock,
    sessions, verify, writer::write_now,
};
use crate::{
    model::Timestamp,
    store::{AccessError, CurrentFile, Error, RestoreError, RestoreOptions, Restored},
};

/// Restores the copy at `source` to the database at `path`, which no server uses. Moves the current file aside, with
/// SQLite's files beside it. Blocks.
///
/// If the current file is a later state of the copy, applies again the revocations, disabled keys, rotations, earlier expiries,
/// removed scopes, removed memberships and lowered roles since then. Killed at any moment, leaves either file, or a
/// marker because of which the database is not opened until it was restored again.
///
/// # Errors
/// If the copy or the current file cannot be read or is in use. The current file is as it was then.
pub fn restore(
    source: &Path,
    path: &Path,
    options: RestoreOptions,
    now: Timestamp,
    on_step: &dyn Fn(CopyStep),
) -> Result<Restored, RestoreError> {
    let path = &file::resolve(path)?;
    source::check(source, path)?;
    let restore = Restore {
        source,
        path,
        options,
        now,
        on_step,
    };
    if options.dry_run {
        return restore.rehearse();
    }
    let lock = ServerLock::acquire(path)?;
    restore.run().inspect_err(|_| lock.discard())
}

struct Restore<'a> {
    source: &'a Path,
    path: &'a Path,
    options: RestoreOptions,
    now: Timestamp,
    on_step: &'a dyn Fn(CopyStep),
}

impl Restore<'_> {
    /// Does everything on a copy with another name, and removes it. A server may use the current file.
    fn rehearse(&self) -> Result<Restored, RestoreError> {
        file::refuse_unfinished_restore(self.path)?;
        let current = Current::open(self.path)?;
        let partial = file::with_suffix(self.path, "-rehearsal.partial");
        let (_removed, restored) = self.prepare(&current, partial)?;
        Ok(restored)
    }

    fn run(&self) -> Result<Restored, RestoreError> {
        swap::end_interrupted(self.path).map_err(|source| interrupted(self.path, source))?;
        let current = Current::lock(self.path)?;
        let partial = swap::restoring_path(self.path);
        let (partial, restored) = self.prepare(&current, partial)?;
        file::give_owner_of(self.path, partial.path());
        let aside = swap::replace(self.path, partial, self.now)?;
        if let Some(aside) = &aside {
            current.release_moved(aside);
        }
        Ok(Restored { aside, ..restored })
    }

    /// Makes the file that will replace the current one.
    fn prepare(
        &self,
        current: &Current,
        partial: PathBuf,
    ) -> Result<(Partial, Restored), RestoreError> {
        if !self.options.as_it_was {
            current.require_readable(self.path)?;
        }
        let mut partial = create_partial(partial)?;
        (self.on_step)(CopyStep::Copying);
        source::copy(self.source, &mut partial)?;
        (self.on_step)(CopyStep::Verifying);
        let opened = connection::open_copy(partial.path());
        let mut conn = opened.map_err(|error| self.unreadable(error))?;
        self.require_whole(&conn, verify::damage_or_reference)?;
        self.migrate(&mut conn)?;
        sessions::delete_all(&conn).map_err(Error::from)?;
        let restored = self.continue_history(&mut conn, current)?;
        self.require_whole(&conn, verify::sums)?;
        drop(conn);
        partial
            .sync()
            .map_err(|source| write_error(partial.path(), source))?;
        Ok((partial, restored))
    }

    /// Fails if `check` finds a problem, or cannot read the copy.
    fn require_whole(
        &self,
        conn: &Connection,
        check: fn(&Connection) -> rusqlite::Result<Option<verify::Problem>>,
    ) -> Result<(), RestoreError> {
        match check(conn).map_err(|error| self.unreadable(error))? {
            None => Ok(()),
            Some(problem) => Err(self.wrong(problem.to_string())),
        }
    }

    fn wrong(&self, found: String) -> RestoreError {
        RestoreError::Wrong {
            path: self.source.to_owned(),
            found,
        }
    }

    /// Tells damage of the copy from an error of the disk.
    fn unreadable(&self, error: rusqlite::Error) -> RestoreError {
        if error::is_damage(&error) {
            self.wrong(error.to_string())
        } else {
            Error::from(error).into()
        }
    }

    fn migrate(&self, conn: &mut Connection) -> Result<(), RestoreError> {
        let version = schema::version(conn).map_err(|error| self.unreadable(error))?;
        if version == 0 {
            return Err(RestoreError::NotACopy(self.source.to_owned()));
        }
        // A file with a version has a secret, so this one is not used.
        Ok(schema::migrate(conn, self.source, &[0; 32])?)
    }

    /// Compares the copy with the current file, and applies the revocations since the copy again.
    fn continue_history(
        &self,
        conn: &mut Connection,
        current: &Current,
    ) -> Result<Restored, RestoreError> {
        let mut restored = Restored {
            current: CurrentFile::NotRead,
            reapplied: Vec::new(),
            without_owner: Vec::new(),
            aside: None,
        };
        if self.options.as_it_was {
            return Ok(restored);
        }
        let Some(current) = current.conn() else {
            restored.current = CurrentFile::Missing;
            return Ok(restored);
        };
        let (relation, common) = history::compare(conn, current)?;
        if matches!(relation, CurrentFile::Later(_)) {
            let changed = history::changed_since(current, common)?;
            let applied = write_now(conn, |tx| reapply::all(tx, current, &changed, self.now));
            (restored.reapplied, restored.without_owner) = applied.map_err(store_error)?;
        }
        restored.current = relation;
        Ok(restored)
    }
}

fn store_error(error: AccessError) -> RestoreError {
    match error {
        AccessError::Store(error) => error.into(),
        // The operator may do everything, and the copy is not in use.
        _ => Error::RolledBack.into(),
    }
}

fn create_partial(path: PathBuf) -> Result<Partial, RestoreError> {
    Partial::create(path.clone()).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => RestoreError::Busy(path),
        ErrorKind::AlreadyExists => RestoreError::NotPartial(path),
        _ => write_error(&path, error),
    })
}

fn write_error(path: &Path, source: std::io::Error) -> RestoreError {
    RestoreError::Write {
        path: path.to_owned(),
        source,
    }
}

fn interrupted(path: &Path, source: std::io::Error) -> RestoreError {
    RestoreError::Interrupted {
        path: path.to_owned(),
        source,
    }
}

impl From<rusqlite::Error> for RestoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
