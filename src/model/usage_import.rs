//! Imports of usage, and the rule that counts an import once.
//!
//! Called by the store in the transaction that counts, so that a repetition cannot slip in between.

/// Identifies an import, so that a repetition of it is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The name that the importer chose.
    pub id: String,
    /// The number of requests in the import. It tells a repetition from another file with the same id.
    pub requests: i64,
}

/// The outcome of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// Its usage was counted.
    Imported,
    /// It was counted earlier under the same id. Nothing was changed.
    AlreadyImported,
    /// Another import was counted under the same id. Nothing was changed.
    Conflict,
}

impl Batch {
    /// Decides whether an import is counted. `stored` is the number of requests of the import with the same id, if there
    /// was one.
    #[must_use]
    pub fn decide(&self, stored: Option<i64>) -> ImportOutcome {
        match stored {
            None => ImportOutcome::Imported,
            Some(requests) if requests == self.requests => ImportOutcome::AlreadyImported,
            Some(_) => ImportOutcome::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_is_imported_once_and_conflicts_with_another_of_its_id() {
        let batch = Batch {
            id: "january".to_owned(),
            requests: 7,
        };
        assert_eq!(batch.decide(None), ImportOutcome::Imported);
        assert_eq!(batch.decide(Some(7)), ImportOutcome::AlreadyImported);
        assert_eq!(batch.decide(Some(8)), ImportOutcome::Conflict);
    }
}
