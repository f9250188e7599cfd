//! The audit log: a page for owners and admins, the whole log for the operator.

use super::{AccessError, Error, Store, sqlite};
use crate::model::{
    Actor, AuditCursor, AuditEntry, AuditFilter, AuditPage, OrganizationId, OrganizationRef,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Returns the entries of an organization's audit log that match `filter`, oldest first, for the operator. Reads all of
    /// them, on the blocking pool.
    pub async fn audit_log(
        &self,
        organization: OrganizationId,
        filter: AuditFilter,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.database
            .readers
            .read_in_background(move |conn| sqlite::audit::log(conn, organization, &filter))
            .await
    }

    /// Returns up to `limit` entries of an organization's audit log that match `filter`, newest first, starting after the
    /// cursor `after`. The log is only appended to, so the pages that follow do not change. The cost depends only on
    /// `limit`. A key of another organization has no entries, like an unknown key.
    ///
    /// # Errors
    /// [`AccessError::RoleTooLow`] if the role may not manage keys.
    pub async fn audit_page(
        &self,
        organization: OrganizationRef,
        by: Actor,
        filter: AuditFilter,
        after: Option<AuditCursor>,
        limit: u32,
    ) -> Result<AuditPage, AccessError> {
        self.database
            .readers
            .read(move |conn| sqlite::audit::page(conn, &organization, &by, &filter, after, limit))
            .await
    }
}
