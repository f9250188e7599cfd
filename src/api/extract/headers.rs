//! What a request says in a header that it may have once.
//!
//! Used wherever two values would be two meanings: a proxy in front may have read the other one.

use poem::http::{HeaderMap, HeaderName, HeaderValue};

/// The value of a header that is there exactly once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}
