//! The operations on the keys of an organization, one per file.
//!
//! Each file has the operation's annotations, its handler and its documentation. A handler checks the parameters and the
//! body, calls the store, and converts the result. The store checks membership and role in the transaction that reads or
//! writes. The bodies consist of [`settings`] and [`limits`]; the responses are in [`wire`].

mod create;
mod get;
mod limits;
mod list;
mod revoke;
mod rotate;
mod settings;
mod update;
mod wire;

pub(super) use self::{
    create::{Create, DOC as CREATE_DOC},
    get::{DOC as GET_DOC, Get},
    list::{DOC as LIST_DOC, List},
    revoke::{DOC as REVOKE_DOC, Revoke},
    rotate::{DOC as ROTATE_DOC, Rotate},
    update::{DOC as UPDATE_DOC, Update},
    wire::StatusOut,
};
pub use self::{
    settings::parse_metadata,
    wire::{KeyOut, KeyWithSecretOut},
};
