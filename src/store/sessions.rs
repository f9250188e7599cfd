//! Sessions of the dashboard, the codes that start them, and the address that links begin with.
//!
//! Called by the dashboard, and by the commands that print links. Expired codes and sessions are deleted in small portions
//! when new ones are stored.

use super::{Error, Store, sqlite};
use crate::model::{NewSession, Session, SignInCode, SignInOutcome, Timestamp, TokenHash, UserId};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Stores the code of a sign-in link. Returns `false` and stores nothing if the user is not a member of an
    /// organization.
    pub async fn create_sign_in_code(
        &self,
        code: SignInCode,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.database
            .write(move |tx| sqlite::sessions::create_code(tx, &code, now))
            .await
    }

    /// Returns the user whom a code would sign in at `now`, and does not use the code up.
    pub async fn sign_in_code_user(
        &self,
        code: TokenHash,
        now: Timestamp,
    ) -> Result<Option<UserId>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::sessions::code_user(conn, code, now))
            .await
    }

    /// Uses a code up, and starts `session` for its user.
    pub async fn sign_in_with_code(
        &self,
        code: TokenHash,
        session: NewSession,
        now: Timestamp,
    ) -> Result<SignInOutcome, Error> {
        self.database
            .write(move |tx| sqlite::sessions::sign_in_with_code(tx, code, &session, now))
            .await
    }

    /// Starts `session` for a user who was authenticated otherwise.
    pub async fn sign_in(
        &self,
        user: UserId,
        session: NewSession,
        now: Timestamp,
    ) -> Result<SignInOutcome, Error> {
        self.database
            .write(move |tx| sqlite::sessions::sign_in(tx, user, &session, now))
            .await
    }

    /// Returns the session with this token, unless it has ended at `now`.
    pub async fn session(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::sessions::session(conn, token, now))
            .await
    }

    /// Ends the session with this token. Idempotent.
    pub async fn end_session(&self, token: TokenHash) -> Result<(), Error> {
        self.database
            .write(move |tx| sqlite::sessions::end(tx, token))
            .await
    }

    /// Records the origin at which browsers reach this server.
    pub async fn set_public_url(&self, url: String) -> Result<(), Error> {
        if self.public_url().await?.as_ref() == Some(&url) {
            return Ok(());
        }
        self.database
            .write(move |tx| sqlite::sessions::set_public_url(tx, &url))
            .await
    }

    /// Returns the origin that was recorded last; `None` before the first.
    pub async fn public_url(&self) -> Result<Option<String>, Error> {
        self.database
            .readers
            .read(sqlite::sessions::public_url)
            .await
    }
}
