//! Databases that live in memory and end with their last connection: no file, no write-ahead log.
//!
//! Two kinds, with the pragmas of the one recipe in [`super::connection`]. A shared one, by SQLite's `memdb` VFS, has
//! a name under which every connection of this process finds it; unlike SQLite's shared cache it behaves as a file
//! does. A private one is a connection on a copy of another database's bytes. Source: `src/memdb.c` of SQLite.

use std::sync::atomic::{AtomicU64, Ordering};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::{connection, schema};
use crate::store::OpenError;

/// A new database under a name that no other has, with the current schema, and the connection that writes to it.
pub(in crate::store) fn create(
    signing_secret: &[u8; 32],
) -> Result<(String, Connection), OpenError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("file:/llavero-{number}?vfs=memdb");
    let failed = |source| OpenError::sqlite(name.as_ref(), source);

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | uri_flags();
    let mut conn = connection::open(&name, flags).map_err(failed)?;
    connection::writer_settings(&conn).map_err(failed)?;
    schema::bring_up_to_date(&mut conn, name.as_ref(), signing_secret)?;
    Ok((name, conn))
}

/// The connections that read from the database of that name, for the pool.
pub(in crate::store) fn readers(name: &str) -> SqliteConnectionManager {
    SqliteConnectionManager::file(name)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | uri_flags())
        .with_init(|conn| connection::reader_settings(conn))
}

/// All bytes of a database.
pub(in crate::store) fn image(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    Ok(conn.serialize(MAIN_DB)?.to_vec())
}

/// A connection that reads and writes a copy of `image` of its own, which may grow up to `room` bytes.
pub(in crate::store) fn open_image(image: &[u8], room: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = connection::open(":memory:", flags)?;
    conn.deserialize_read_exact(MAIN_DB, image, image.len(), false)?;
    connection::writer_settings(&conn)?;
    let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
    conn.pragma_update(None, "max_page_count", room / page)?;
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
    fn a_name_leads_to_one_database_and_two_databases_have_two_names() {
        let (name, writer) = create(&[7; 32]).unwrap();
        let (_, other) = create(&[7; 32]).unwrap();
        add_organization(&writer, 1).unwrap();
        let reader = readers(&name).connect().unwrap();
        assert_eq!(organizations(&reader), 1);
        assert_eq!(organizations(&other), 0);
        assert!(add_organization(&reader, 2).is_err());
    }

    #[test]
    fn what_is_changed_in_a_copy_stays_in_it() {
        let (_, original) = create(&[7; 32]).unwrap();
        add_organization(&original, 1).unwrap();
        let before = image(&original).unwrap();
        let copy = open_image(&before, 1 << 20).unwrap();
        assert_eq!(image(&copy).unwrap(), before);
        add_organization(&copy, 2).unwrap();
        assert_eq!((organizations(&original), organizations(&copy)), (1, 2));
        let again = open_image(&image(&copy).unwrap(), 1 << 20).unwrap();
        assert_eq!(organizations(&again), 2);
    }

    #[test]
    fn a_copy_cannot_fill_the_memory() {
        let (_, original) = create(&[7; 32]).unwrap();
        let copy = open_image(&image(&original).unwrap(), 1 << 20).unwrap();
        copy.execute_batch("BEGIN").unwrap();
        let full = (0..).find_map(|n| add_organization(&copy, n).err());
        let code = full.and_then(|error| error.sqlite_error_code());
        assert_eq!(code, Some(ErrorCode::DiskFull));
        assert!(image(&copy).unwrap().len() <= 1 << 20);
    }
}
