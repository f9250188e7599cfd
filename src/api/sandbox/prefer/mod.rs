//! `Prefer: code=…` and `Prefer: example=…`: a documented response on demand. `Prefer: delay=…`: a delayed response.
//!
//! [`header`] parses the request header, [`example_responses`] holds an operation's documented responses, and
//! [`operations`] collects them for every operation at start.

mod example_responses;
mod header;
mod operations;

pub(super) use self::{
    example_responses::ExampleResponses,
    header::{MAX_DELAY, PREFERENCE_APPLIED, Preference},
    operations::{
        DocumentedOperation, ExpectedBody, documented_operations, errors, errors_of_the_sandbox,
        expected_body, requires, writes,
    },
};
