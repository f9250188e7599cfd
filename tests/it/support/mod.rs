//! Shared by the integration tests: a service in this process, processes, clients, directories, names of fixtures.
//!
//! | module | what it has |
//! |---|---|
//! | [`app`] | the service in this process, with its own database and a clock that the test moves |
//! | [`client`], [`blocking`] | HTTP clients; both check responses against the document, see [`documented`] |
//! | [`command`], [`server`], [`process`] | commands and servers as processes; the benchmarks use `process` too |
//! | [`test_dir`] | a working directory for processes |
//! | [`tools`] | programs that a machine may lack |
//! | [`issuer`], [`key_source`] | tokens of an issuer with a JWK set, and a server that publishes the set |
//! | [`fixtures`] | ids, paths, the start of time |

mod app;
mod client;
mod documented;
mod fixtures;
mod issuer;
mod local_server;
mod snapshot;

#[cfg(unix)]
mod blocking;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod key_source;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod test_dir;
#[cfg(unix)]
mod tools;

pub(crate) use self::{
    app::{SECRET, TestApp, Trust, import, lasting_token, token},
    client::{Client, Request, body, message},
    documented::Documented,
    fixtures::*,
    issuer::{Issuer, set_of},
    local_server::{LocalServer, PAGE, limits},
    snapshot::masked,
};
#[cfg(unix)]
pub(crate) use self::{
    blocking::{Answer, Api, get},
    command::{LONG_TIMEOUT, Outcome, TIMEOUT, as_nobody, run},
    key_source::{CERTIFICATE, KeySource, Reply},
    process::{KillOnDrop, Process, listening},
    server::Server,
    test_dir::TestDir,
    tools::{is_available, tool},
};

/// Encodes without padding.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.as_ref().chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for shift in [18, 12, 6, 0].into_iter().take(chunk.len() + 1) {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}
