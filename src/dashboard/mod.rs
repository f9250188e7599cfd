//! The dashboard: pages for the members of organizations, rendered on the server.
//!
//! Served by [`crate::api`] beside the API, with the same middleware. A page calls the same methods of the store as the
//! API's operation, so that the store alone decides who may do what. Pages are complete without the script; `maud` escapes
//! every value.
//!
//! | module | job |
//! |---|---|
//! | [`routes`] | the list of all pages |
//! | [`login`] | signing in and out |
//! | [`session`] | the cookie, and the signed-in user of a request |
//! | [`same_origin`] | refuses changes that another origin's page sends |
//! | [`form`], [`query`] | bodies of forms, and parameters of URLs |
//! | [`overview`], [`attention`] | the page of an organization, and its keys that need a person |
//! | [`keys`], [`key_query`] | the list of keys, and its parameters |
//! | [`key`] | the page of a key |
//! | [`create`], [`edit`], [`key_form`] | the forms of a key's settings |
//! | [`rotate`], [`revoke`], [`once`], [`secret`] | other changes of a key; a new secret, shown once |
//! | [`audit`] | the audit log |
//! | [`layout`], [`response`] | what all pages share |
//! | [`chart`], [`day_range`], [`mod@format`] | requests by day; the days shown; numbers, instants and statuses |

mod attention;
mod audit;
mod chart;
mod create;
mod day_range;
mod edit;
mod form;
mod format;
mod key;
mod key_form;
mod key_query;
mod keys;
mod layout;
mod login;
mod once;
mod overview;
mod public_url;
mod query;
mod response;
mod revoke;
mod rotate;
mod routes;
mod same_origin;
mod secret;
mod session;

pub use self::{
    login::sign_in_link,
    public_url::{PublicUrl, PublicUrlError},
    routes::pages,
};
