//! How the counts of an organization differ between two instants.
//!
//! Called by the statistics, to add what has changed since the counts were kept, and by [`super::advance()`]. Repeats the
//! definition of [`crate::model::KeyState::counts`] for ranges of keys.

use rusqlite::{Connection, named_params};

use crate::model::{KeyCounts, KeyStats, OrganizationId, Timestamp};

/// Counts the keys that expire after `from` and until `to` by what they were at `from`, and the keys that become inactive.
pub(in crate::store::sqlite) const DIFFERENCE: &str = "
    SELECT count(*),
           count(*) FILTER (WHERE disabled_at IS NOT NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at IS NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at <= :idle_from),
           (SELECT count(*)
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND disabled_at IS NULL
               AND last_used_at > :idle_from
               AND last_used_at <= :idle_to
               AND (expires_at IS NULL OR expires_at > :to))
      FROM api_keys
     WHERE organization_id = :organization
       AND revoked_at IS NULL
       AND expires_at > :from
       AND expires_at <= :to";

/// How counts differ between two instants.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::sqlite) struct Difference {
    /// To be added to the counts at the first instant.
    pub(in crate::store::sqlite) counts: KeyCounts,
    /// The number of keys that were read.
    pub(in crate::store::sqlite) keys: i64,
}

/// Returns how the counts of an organization at `to` differ from those at `from`, which may be later.
pub(in crate::store::sqlite) fn difference(
    conn: &Connection,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Difference> {
    if from > to {
        let Difference { counts, keys } = difference(conn, organization, to, from)?;
        let counts = KeyCounts::default() - counts;
        return Ok(Difference { counts, keys });
    }
    let mut statement = conn.prepare_cached(DIFFERENCE)?;
    let parameters = named_params! {
        ":organization": organization,
        ":from": from,
        ":to": to,
        ":idle_from": from.before(KeyStats::INACTIVE_AFTER),
        ":idle_to": to.before(KeyStats::INACTIVE_AFTER),
    };
    statement.query_row(parameters, |row| {
        let (expired, became_inactive): (i64, i64) = (row.get(0)?, row.get(4)?);
        let were_inactive: i64 = row.get(3)?;
        let counts = KeyCounts {
            total: 0,
            revoked: 0,
            expired,
            disabled: -row.get::<_, i64>(1)?,
            never_used: -row.get::<_, i64>(2)?,
            inactive: became_inactive - were_inactive,
        };
        let keys = expired + became_inactive;
        Ok(Difference { counts, keys })
    })
}
