//! Whether commits reach the disk.
//!
//! The writer's thread records the outcome of every commit that it tries, and `/readyz` asks for the last one. Only
//! the whole group counts: a write that is refused, such as a duplicate, undoes itself and the group is still
//! committed. A group that is not committed because the file was moved is not recorded either: whether the file is in
//! place is asked anew each time, and a commit cannot mend it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::Error;

/// The failure of the last commit, while none has succeeded since. Clones share it.
#[derive(Clone, Default)]
pub(super) struct CommitHealth(Arc<Mutex<Option<Error>>>);

impl CommitHealth {
    /// Fails as the last commit did.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.lock().clone().map_or(Ok(()), Err)
    }

    /// Returns whether the last commit failed.
    pub(super) fn is_failing(&self) -> bool {
        self.lock().is_some()
    }

    /// Records the outcome of a commit, and logs a change for the worse or the better.
    pub(super) fn record(&self, failure: Option<&Error>) {
        if matches!(failure, Some(Error::FileMoved)) {
            return;
        }
        let mut last = self.lock();
        match (last.is_some(), failure) {
            (false, Some(error)) => tracing::error!(%error, "writes fail"),
            (true, None) => tracing::info!("writes succeed again"),
            _ => {}
        }
        *last = failure.cloned();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_fails_until_a_commit_succeeds_and_ignores_a_moved_file() {
        let health = CommitHealth::default();
        health.check().unwrap();
        health.record(Some(&Error::FileMoved));
        health.check().unwrap();
        health.record(Some(&Error::RolledBack));
        health.record(Some(&Error::FileMoved));
        assert!(matches!(health.check(), Err(Error::RolledBack)));
        health.record(None);
        health.check().unwrap();
    }
}
