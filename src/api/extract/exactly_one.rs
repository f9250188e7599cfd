//! A header or parameter that must be sent exactly once.
//!
//! Two values are ambiguous: a proxy could have read the other one.

/// Returns the value if there is exactly one.
pub(crate) fn exactly_one<T>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut values = values.into_iter();
    let first = values.next();
    first.filter(|_| values.next().is_none())
}
