//! Shared by the integration tests: a service in this process, processes, clients, directories, names of fixtures.
//!
//! | module | what it has |
//! |---|---|
//! | [`app`] | the service in this process, with its own database and a clock that the test moves |
//! | [`client`], [`blocking`] | HTTP clients; both check responses against the document, see [`documented`] |
//! | [`command`], [`server`], [`process`] | commands and servers as processes; the benchmarks use `process` too |
//! | [`test_dir`] | a working directory for processes |
//! | [`tools`] | programs that a machine may lack |
//! | [`fixtures`] | ids, paths, the start of time |

mod app;
mod client;
mod documented;
mod fixtures;
mod local_server;
mod snapshot;

#[cfg(unix)]
mod blocking;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod test_dir;
#[cfg(unix)]
mod tools;

pub(crate) use self::{
    app::{SECRET, TestApp, import, lasting_token, token},
    client::{Client, Request, body, message},
    documented::Documented,
    fixtures::*,
    local_server::{LocalServer, PAGE, limits},
    snapshot::masked,
};
#[cfg(unix)]
pub(crate) use self::{
    blocking::{Answer, Api, get},
    command::{LONG_TIMEOUT, Outcome, TIMEOUT, as_nobody, run},
    process::{KillOnDrop, Process, listening},
    server::Server,
    test_dir::TestDir,
    tools::{is_available, tool},
};
