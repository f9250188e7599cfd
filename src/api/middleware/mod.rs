//! Middleware: what happens around every request, whatever its route.
//!
//! [`Envelope`] is the outermost endpoint; it uses the other files here.

mod cors;
mod envelope;
mod request_head;
mod request_id;

pub use self::cors::{Cors, Origin, OriginError};
pub(super) use self::{
    envelope::{Envelope, RequestedResponse},
    request_id::is_plain,
};
