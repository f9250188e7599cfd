//! The maintenance of `serve`: deletes the oldest days of keys, and updates counts that are out of date.

use std::{thread, time::Instant};

use crate::support::{ANA, DATABASE, PRODUCTION, STATS_PATH, Server, TIMEOUT, TestDir};

/// Waits until a query of the database returns `expected`.
fn wait_for(home: &TestDir, server: &Server, query: &str, expected: &[i64]) {
    let deadline = Instant::now() + TIMEOUT;
    let conn = home.sqlite(DATABASE);
    let mut statement = conn.prepare(query).unwrap();
    loop {
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        let rows: Vec<i64> = rows.map(Result::unwrap).collect();
        if rows == expected {
            break;
        }
        let late = Instant::now() > deadline;
        assert!(!late, "{rows:?}, not {expected:?}: {}", server.log());
        thread::yield_now();
    }
}

/// The demo data, in which each key was also used on the days that are `ages` days ago, and on no other.
fn home_with_days(ages: &str) -> TestDir {
    let home = TestDir::demo();
    home.sqlite(DATABASE)
        .execute_batch(&format!(
            "DELETE FROM key_daily_usage;
             INSERT INTO key_daily_usage (day, key_id, successful_requests, rate_limit_hits, errors)
             SELECT unixepoch() / 86400 - value, api_keys.id, 1, 0, 0 FROM json_each('[{ages}]'), api_keys"
        ))
        .unwrap();
    home
}

const AGES: &str = "SELECT DISTINCT unixepoch() / 86400 - day FROM key_daily_usage ORDER BY 1";

#[test]
fn serve_deletes_the_days_of_keys_after_the_retention() {
    let home = home_with_days("0, 61, 390, 410, 1000");
    let server = home.serve(&[]);
    wait_for(&home, &server, AGES, &[0, 61, 390]);
    server.stop();
    let server = home.serve(&["--daily-retention", "62d"]);
    wait_for(&home, &server, AGES, &[0, 61]);
    let totals =
        "SELECT count(*) FROM organization_daily_usage WHERE day < unixepoch() / 86400 - 62";
    let kept: i64 = home
        .sqlite(DATABASE)
        .query_row(totals, [], |row| row.get(0))
        .unwrap();
    assert!(kept > 0);
    server.stop();
}

#[test]
fn daily_retention_flag_wins_over_its_variable() {
    let home = home_with_days("0, 70, 90");
    let mut command = home.serve_command(&["--daily-retention", "80d"]);
    command.env("LLAVERO_DAILY_RETENTION", "62d");
    let server = Server::start(command);
    wait_for(&home, &server, AGES, &[0, 70]);
    server.stop();
    let mut command = home.serve_command(&[]);
    command.env("LLAVERO_DAILY_RETENTION", "62d");
    let server = Server::start(command);
    wait_for(&home, &server, AGES, &[0]);
    server.stop();
}

#[test]
fn serve_updates_counts_that_are_out_of_date() {
    let home = TestDir::demo();
    let conn = home.sqlite(DATABASE);
    // A key that has expired since the counts were kept.
    conn.execute_batch(&format!(
        "UPDATE api_keys
            SET expires_at = (SELECT max(counted_at) FROM organization_totals) + 1
          WHERE id = '{PRODUCTION}'"
    ))
    .unwrap();
    let expired = "SELECT sum(expired_keys) FROM organization_totals";
    let before: i64 = conn.query_row(expired, [], |row| row.get(0)).unwrap();
    let server = home.serve(&[]);
    wait_for(&home, &server, expired, &[before + 1]);
    server.stop();
}

#[test]
fn maintenance_that_fails_is_logged_and_does_not_end_the_server() {
    let home = TestDir::demo();
    home.sqlite(DATABASE)
        .execute_batch("ALTER TABLE key_daily_usage RENAME TO elsewhere")
        .unwrap();
    let server = home.serve(&[]);
    let deadline = Instant::now() + TIMEOUT;
    while !server
        .log()
        .contains("WARN maintenance failed; the next attempt is in an hour")
    {
        assert!(Instant::now() < deadline, "{}", server.log());
        thread::yield_now();
    }
    server.get(&home.token(ANA, &[]), STATS_PATH).json();
    server.stop();
}
