//! The outcome of the last commit, for `/readyz`.
//!
//! The writer's thread reports every commit that it tries. Only the whole group counts: a write that is refused, such as a duplicate, undoes itself and the group is still
//! committed. A group that is not committed because the file was moved is not recorded either: whether the file is in
//! place is checked anew each time.

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

    /// Stores the outcome of a commit, and logs when commits begin to fail or to succeed again.
    pub(super) fn commit_ended(&self, failure: Option<&Error>) {
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
        health.commit_ended(Some(&Error::FileMoved));
        health.check().unwrap();
        health.commit_ended(Some(&Error::RolledBack));
        health.commit_ended(Some(&Error::FileMoved));
        assert!(matches!(health.check(), Err(Error::RolledBack)));
        health.commit_ended(None);
        health.check().unwrap();
    }
}
