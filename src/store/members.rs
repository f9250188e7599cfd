//! Members of an organization, for the operator.

use super::{Error, Store, sqlite};
use crate::model::{AddMemberOutcome, Member, OrganizationId, Role, Timestamp, UserId};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Adds a member to an existing organization, or changes the role of one: see [`AddMemberOutcome::decide`].
    pub async fn add_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Option<Role>,
        at: Timestamp,
    ) -> Result<AddMemberOutcome, Error> {
        self.database
            .write(move |tx| sqlite::members::add(tx, organization, user, role, at))
            .await
    }

    /// Removes a member, with effect from the next request. Returns the removed member; `None` if the user was not a
    /// member.
    pub async fn remove_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        at: Timestamp,
    ) -> Result<Option<Member>, Error> {
        self.database
            .write(move |tx| sqlite::members::remove(tx, organization, &user, at))
            .await
    }

    /// Returns the members of an organization, in the order of their ids.
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::members::list(conn, organization))
            .await
    }
}
