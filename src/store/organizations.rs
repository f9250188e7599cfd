//! Organizations, for the operator: created, renamed, looked up, listed.
//!
//! Called by the commands, and for the demo. A change writes to the audit log; a seed has its own entries.

use super::{Error, Store, sqlite};
use crate::model::{
    Name, Organization, OrganizationId, OrganizationRef, RenameOutcome, Seed, Slug, Timestamp,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Creates an organization. Returns `false` and changes nothing if the slug is taken.
    pub async fn create_organization(&self, organization: Organization) -> Result<bool, Error> {
        self.database
            .write(move |tx| sqlite::organizations::create(tx, &organization))
            .await
    }

    /// Gives an existing organization another name or slug, with effect from the next request. `None` keeps the current
    /// one.
    pub async fn rename_organization(
        &self,
        organization: OrganizationId,
        name: Option<Name>,
        slug: Option<Slug>,
        at: Timestamp,
    ) -> Result<RenameOutcome, Error> {
        self.database
            .write(move |tx| sqlite::organizations::rename(tx, organization, name, slug, at))
            .await
    }

    /// Looks an organization up.
    pub async fn organization(
        &self,
        organization: OrganizationRef,
    ) -> Result<Option<Organization>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::organizations::find(conn, &organization))
            .await
    }

    /// Returns all organizations, in the order of their slugs.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        self.database
            .readers
            .read(sqlite::organizations::list)
            .await
    }

    /// Fills a database without organizations. Returns `false` and changes nothing if there is one.
    ///
    /// # Errors
    /// If the seed violates a constraint of the schema. Nothing is stored then.
    pub async fn seed_if_empty(&self, seed: Seed) -> Result<bool, Error> {
        self.database
            .write(move |tx| sqlite::organizations::seed_if_empty(tx, &seed))
            .await
    }
}
