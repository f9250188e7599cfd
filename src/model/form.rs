//! Forms that must not be submitted twice, because each submission would make another secret.

use std::time::Duration;

use super::{KeyId, TokenHash};

/// How long the store remembers a submitted form.
pub const FORM_MEMORY: Duration = Duration::from_hours(30 * 24);

/// Identifies a form: the hash of the random token in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormId(pub TokenHash);

/// The outcome of submitting a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission<T> {
    /// The form was submitted now, with this outcome.
    First(T),
    /// The form was submitted before, and created or rotated this key. Nothing was changed now.
    Repeated(KeyId),
}
