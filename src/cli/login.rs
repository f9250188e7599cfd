//! `llavero login`: prints a link that signs a user in to the dashboard.
//!
//! Stores the hash of a code that works once within five minutes; the link has the code. The user must be a member of an
//! organization, because the dashboard has nothing to show to others.

use super::{Error, System, database::DatabaseArgs, parse_arg, print};
use crate::{
    dashboard::{self, PublicUrl},
    model::{CODE_TTL, RandomToken, SignInCode, UserId},
};

/// The origin in links if no server has served the database yet.
const DEFAULT_ORIGIN: &str = "http://localhost:3001";

/// The arguments of `llavero login`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The user whom the link signs in: the `sub` of the user's bearer tokens
    #[arg(long, value_name = "ID", value_parser = parse_arg::<UserId>)]
    user: UserId,

    /// The address at which browsers reach the server, for instance `https://keys.example.com` [default: that of the
    /// server that was started last on this database]
    #[arg(long, value_name = "URL", env = "LLAVERO_PUBLIC_URL")]
    public_url: Option<PublicUrl>,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let code = RandomToken::generate(system.random.bytes()?);
        let now = system.clock.now();
        let origin = self.database.with_store(async |store| {
            let stored = store.create_sign_in_code(
                SignInCode {
                    hash: code.hash(),
                    user: self.user.clone(),
                    reusable: false,
                    expires_at: now.after(CODE_TTL),
                },
                now,
            );
            if !stored.await? {
                let user = &self.user;
                return Err(Error::failed(format!(
                    "{user} is not a member of any organization; `llavero member add` adds a member"
                )));
            }
            match &self.public_url {
                Some(url) => Ok(url.to_string()),
                None => Ok(store
                    .public_url()
                    .await?
                    .unwrap_or_else(|| DEFAULT_ORIGIN.to_owned())),
            }
        })?;
        let link = dashboard::sign_in_link(&origin, &code);
        print(&format!("{link}\n"))
    }
}
