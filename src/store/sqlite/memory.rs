//! Databases in memory, which end with their last connection. They have no file and no write-ahead log.
//!
//! A shared database uses SQLite's `memdb` VFS: every connection of this process can open it by its name, and unlike
//! SQLite's shared cache it locks as a file does. A private database is one connection on a copy of another database's
//! bytes. Both get the pragmas of [`super::connection`]. Source: `src/memdb.c` of SQLite.

use std::sync::atomic::{AtomicU64, Ordering};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::{connection, schema};
use crate::store::OpenError;

/// Creates a shared database with a unique name and the current schema. Returns the name and the connection that writes.
pub(super) fn create(signing_secret: &[u8; 32]) -> Result<(String, Connection), OpenError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("file:/llavero-{number}?vfs=memdb");
    let failed = |source| OpenError::sqlite(name.as_ref(), source);

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | uri_flags();
    let mut conn = connection::open(&name, flags).map_err(failed)?;
    connection::writer_settings(&conn).map_err(failed)?;
    schema::migrate(&mut conn, name.as_ref(), signing_secret)?;
    Ok((name, conn))
}

/// Returns the pool's recipe for connections that read from the shared database with this name.
pub(super) fn readers(name: &str) -> SqliteConnectionManager {
    SqliteConnectionManager::file(name)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | uri_flags())
        .with_init(|conn| connection::reader_settings(conn))
}

/// Returns all bytes of a database.
pub(super) fn serialize(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    Ok(conn.serialize(MAIN_DB)?.to_vec())
}

/// Opens a private copy of a serialized database, which may grow to `max_bytes`.
pub(super) fn deserialize(bytes: &[u8], max_bytes: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = connection::open(":memory:", flags)?;
    conn.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), false)?;
    connection::writer_settings(&conn)?;
    let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
    conn.pragma_update(None, "max_page_count", max_bytes / page)?;
    Ok(conn)
}

fn uri_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[cfg(test)]
mod tests {
    use r2d2::ManageConnection;
    use rusqlite::ErrorCode;

    use super::*;

    fn organizations(conn: &Connection) -> u32 {
        let count = "SELECT count(*) FROM organizations";
        conn.query_row(count, [], |row| row.get(0)).unwrap()
    }

    fn add_organization(conn: &Connection, n: u32) -> rusqlite::Result<usize> {
        let insert =
            "INSERT INTO organizations (id, slug, name, created_at) VALUES (?1, ?2, ?2, 0)";
        let id = uuid::Uuid::from_u128(n.into()).to_string();
        conn.execute(insert, (id, format!("number-{n}")))
    }

    #[test]
    fn shared_database_is_opened_by_its_unique_name() {
        let (name, writer) = create(&[7; 32]).unwrap();
        let (_, other) = create(&[7; 32]).unwrap();
        add_organization(&writer, 1).unwrap();
        let reader = readers(&name).connect().unwrap();
        assert_eq!(organizations(&reader), 1);
        assert_eq!(organizations(&other), 0);
        assert!(add_organization(&reader, 2).is_err());
    }

    #[test]
    fn private_copy_keeps_its_changes_to_itself() {
        let (_, original) = create(&[7; 32]).unwrap();
        add_organization(&original, 1).unwrap();
        let before = serialize(&original).unwrap();
        let copy = deserialize(&before, 1 << 20).unwrap();
        assert_eq!(serialize(&copy).unwrap(), before);
        add_organization(&copy, 2).unwrap();
        assert_eq!((organizations(&original), organizations(&copy)), (1, 2));
        let again = deserialize(&serialize(&copy).unwrap(), 1 << 20).unwrap();
        assert_eq!(organizations(&again), 2);
    }

    #[test]
    fn private_copy_does_not_grow_beyond_max_bytes() {
        let (_, original) = create(&[7; 32]).unwrap();
        let copy = deserialize(&serialize(&original).unwrap(), 1 << 20).unwrap();
        copy.execute_batch("BEGIN").unwrap();
        let full = (0..).find_map(|n| add_organization(&copy, n).err());
        let code = full.and_then(|error| error.sqlite_error_code());
        assert_eq!(code, Some(ErrorCode::DiskFull));
        assert!(serialize(&copy).unwrap().len() <= 1 << 20);
    }
}
