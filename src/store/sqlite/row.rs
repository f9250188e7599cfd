//! Conversion between columns and the model's types.
//!
//! A value that violates the model's rules is an error of the row, not a panic: another program may have written to the
//! file.

use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use super::key_days::NewestMonth;
use crate::{
    model::{
        Day, Description, ExternalId, KeyDates, KeyId, Metadata, Name, OrganizationId,
        OrganizationRef, Quota, QuotaPeriod, Role, Scopes, Slug, Timestamp, UsageCounts, UserId,
    },
    store::Error,
};

/// Implements storing a validated text, which `$read` validates again when it is read.
macro_rules! text {
    ($($type:ty: $read:path),*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $read(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )*};
}

text!(
    UserId: UserId::new,
    Name: Name::from_stored,
    Description: Description::new,
    ExternalId: ExternalId::new,
    Slug: Slug::new
);

impl ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(FromSqlError::other)
    }
}

impl ToSql for QuotaPeriod {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for QuotaPeriod {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_millis().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_millis)
    }
}

impl ToSql for Day {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_number)
    }
}

impl ToSql for OrganizationId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for OrganizationId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        uuid(value).map(Self)
    }
}

impl ToSql for KeyId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for KeyId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        uuid(value).map(Self)
    }
}

fn uuid(value: ValueRef<'_>) -> FromSqlResult<Uuid> {
    Uuid::try_parse(value.as_str()?).map_err(FromSqlError::other)
}

/// Scopes are stored as a JSON array of strings.
impl ToSql for Scopes {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(self)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(json.into())
    }
}

impl FromSql for Scopes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)
    }
}

/// Metadata is stored as a JSON object.
impl ToSql for Metadata {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_json().into())
    }
}

impl FromSql for Metadata {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "{}" => Ok(Self::default()),
            json => serde_json::from_str(json).map_err(FromSqlError::other),
        }
    }
}

/// Fails unless a statement changed exactly one row. A missing row of totals must not go unnoticed.
pub(super) fn expect_one_row(changed: usize) -> Result<(), Error> {
    match changed {
        1 => Ok(()),
        changed => Err(rusqlite::Error::StatementChangedRows(changed).into()),
    }
}

/// Returns the two parameters that an organization is bound to: its id, or its slug. Statements compare with
/// `coalesce(id, (SELECT id … WHERE slug = …))`, so that either is one lookup in an index.
pub(super) fn id_or_slug(organization: &OrganizationRef) -> (Option<OrganizationId>, Option<&str>) {
    match organization {
        OrganizationRef::Id(id) => (Some(*id), None),
        OrganizationRef::Slug(slug) => (None, Some(slug)),
    }
}

/// Reads three columns, `first` and the next two: when a key was revoked, expires and was disabled.
pub(super) fn key_dates(row: &Row<'_>, first: usize) -> rusqlite::Result<KeyDates> {
    Ok(KeyDates {
        revoked_at: row.get(first)?,
        expires_at: row.get(first + 1)?,
        disabled_at: row.get(first + 2)?,
    })
}

/// Reads two columns, `first` and the next one: a quota's limit and period.
pub(super) fn quota(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Quota>> {
    let columns: (Option<i64>, Option<QuotaPeriod>) = (row.get(first)?, row.get(first + 1)?);
    let quota = columns.0.zip(columns.1);
    Ok(quota.and_then(|(limit, period)| Quota::new(limit, period)))
}

/// Reads two columns, `first` and the next one: a key's newest month and its successful requests.
pub(super) fn newest_month(row: &Row<'_>, first: usize) -> rusqlite::Result<NewestMonth> {
    Ok(NewestMonth {
        first_day: row.get(first)?,
        successful_requests: row.get(first + 1)?,
    })
}

/// Reads three columns, `first` and the next two: the counts in the order of [`UsageCounts`].
pub(super) fn usage(row: &Row<'_>, first: usize) -> rusqlite::Result<UsageCounts> {
    Ok(UsageCounts {
        successful_requests: row.get(first)?,
        rate_limit_hits: row.get(first + 1)?,
        errors: row.get(first + 2)?,
    })
}
