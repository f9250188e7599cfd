//! Checks the flags with which SQLite was compiled.

use rusqlite::Connection;

use crate::store::Error;

/// 1 if SQLite was compiled with the flags of `.cargo/config.toml`.
const HAS_FLAGS: &str = "
    SELECT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0')
       AND NOT sqlite_compileoption_used('ENABLE_MEMORY_MANAGEMENT')";

/// Returns whether SQLite was compiled with the flags of `.cargo/config.toml`, without which reads take about twice as
/// long. Cargo ignores that file outside of a checkout, for instance for `cargo install --git`.
///
/// # Errors
/// If SQLite cannot open a database in memory.
pub fn has_build_flags() -> Result<bool, Error> {
    let conn = Connection::open_in_memory()?;
    Ok(conn.query_row(HAS_FLAGS, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_build_flags_is_true_in_a_checkout() {
        assert!(has_build_flags().unwrap());
    }

    #[test]
    fn has_flags_is_false_for_other_flags() {
        let conn = Connection::open_in_memory().unwrap();
        for (flag, other) in [
            ("DEFAULT_MEMSTATUS=0", "DEFAULT_MEMSTATUS=1"),
            ("ENABLE_MEMORY_MANAGEMENT", "THREADSAFE"),
        ] {
            let query = HAS_FLAGS.replace(flag, other);
            let found = conn.query_row(&query, [], |row| row.get::<_, bool>(0));
            assert_eq!(found, Ok(false), "{other}");
        }
    }
}
