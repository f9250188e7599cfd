//! Tests of the writer, with a writer that is blocked so that the queue fills.
//!
//! `tests/it/cli` tests with real processes that another process can write between two transactions.

use std::sync::mpsc::channel;

use uuid::Uuid;

use super::*;
use crate::{
    model::{KeyId, Outcome, Timestamp, UsageEvent},
    store::{AccessError, sqlite::open},
};

/// A writer, and a connection that sees what it has committed.
fn writer() -> (Writer, Connection, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let (file, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
    let (_, other) = open::create_or_open(&path, &[7; 32]).unwrap();
    let file = Some(Arc::new(file));
    (
        Writer::start(conn, file, WriterMetrics::default()).unwrap(),
        other,
        directory,
    )
}

fn insert(tx: &Savepoint<'_>, slug: &str) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO organizations (id, slug, name, created_at) VALUES (?1, ?2, 'x', 0)",
        (Uuid::from_u128(slug.len() as u128).to_string(), slug),
    )?;
    Ok(())
}

fn slugs(conn: &Connection) -> Vec<String> {
    let mut statement = conn
        .prepare("SELECT slug FROM organizations ORDER BY slug")
        .unwrap();
    let slugs = statement.query_map([], |row| row.get(0)).unwrap();
    slugs.map(Result::unwrap).collect()
}

/// Blocks the writer until the sender is dropped. Returns when the writer is blocked.
fn hold(writer: &Writer) -> std::sync::mpsc::Sender<()> {
    let (release, released) = channel::<()>();
    let (busy, is_busy) = channel();
    let writer = writer.clone();
    tokio::spawn(async move {
        let hold = move |_: &Savepoint<'_>| {
            busy.send(()).unwrap();
            // An error: the sender is dropped.
            released.recv().unwrap_or(());
            Ok::<_, Error>(())
        };
        writer.write(hold).await
    });
    tokio::task::block_in_place(|| is_busy.recv().unwrap());
    release
}

/// Puts a write into the queue. Returns the receiver of its result.
fn enqueue<T: Send + 'static>(
    writer: &Writer,
    write: impl FnOnce(&Savepoint<'_>) -> Result<T, Error> + Send + 'static,
) -> oneshot::Receiver<Result<T, Error>> {
    let (caller, answer) = oneshot::channel();
    let job = Box::new(Write {
        work: Some(write),
        result: None,
        caller,
    });
    writer.queue.try_send(Message::Write(job)).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_write_rolls_back_alone_in_its_group() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    let good = enqueue(&writer, |tx| insert(tx, "a"));
    let twice = enqueue(&writer, |tx| {
        insert(tx, "bb")?;
        insert(tx, "bb")
    });
    let panicking = enqueue(&writer, |tx| -> Result<(), Error> {
        insert(tx, "ccc")?;
        panic!("this test wants it");
    });
    let late = enqueue(&writer, |tx| insert(tx, "dddd"));
    drop(held);
    assert!(good.await.unwrap().is_ok());
    assert!(matches!(twice.await.unwrap(), Err(Error::Bug(_))));
    assert!(matches!(panicking.await.unwrap(), Err(Error::Panicked)));
    assert!(late.await.unwrap().is_ok());
    assert_eq!(slugs(&other), ["a", "dddd"]);
    assert!(writer.write(|tx| insert(tx, "eeeee")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn write_with_an_error_type_of_its_own_rolls_back_and_returns_it() {
    let (writer, other, directory) = writer();
    let refused = writer.write(|tx| {
        insert(tx, "undone")?;
        Err::<(), _>(AccessError::KeyRevoked)
    });
    assert!(matches!(refused.await, Err(AccessError::KeyRevoked)));
    assert!(slugs(&other).is_empty());
    // A failure of the group is converted to the write's type.
    std::fs::remove_file(directory.path().join("test.db")).unwrap();
    let failed = writer.write(|_| Ok::<_, AccessError>(()));
    assert!(matches!(
        failed.await,
        Err(AccessError::Store(Error::FileMoved))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn write_is_committed_when_it_returns() {
    let (writer, other, _directory) = writer();
    for n in 1..20 {
        let slug = "x".repeat(n);
        writer.write(move |tx| insert(tx, &slug)).await.unwrap();
        assert_eq!(slugs(&other).len(), n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn write_whose_caller_has_gone_away_is_skipped() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    drop(enqueue(&writer, |tx| insert(tx, "abandoned")));
    let last = enqueue(&writer, |tx| insert(tx, "wanted"));
    drop(held);
    last.await.unwrap().unwrap();
    assert_eq!(slugs(&other), ["wanted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_queue_refuses_a_write_and_loses_none() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    let waiting: Vec<_> = (0..QUEUE)
        .map(|n| {
            enqueue(
                &writer,
                move |tx| if n == 0 { insert(tx, "first") } else { Ok(()) },
            )
        })
        .collect();
    let refused = writer.write(|tx| insert(tx, "too much")).await;
    assert!(matches!(refused, Err(Error::QueueFull)), "{refused:?}");
    drop(held);
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    assert_eq!(slugs(&other), ["first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn close_writes_the_queue_and_refuses_later_writes() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    let waiting = enqueue(&writer, |tx| insert(tx, "waiting"));
    let closing = thread::spawn({
        let writer = writer.clone();
        move || writer.close().is_some()
    });
    drop(held);
    assert!(waiting.await.unwrap().is_ok());
    assert!(closing.join().unwrap());
    assert!(matches!(
        writer.write(|tx| insert(tx, "late")).await,
        Err(Error::Closed)
    ));
    assert!(matches!(writer.check(), Err(Error::Closed)));
    assert_eq!(slugs(&other), ["waiting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_succeeds_after_a_write_that_was_refused() {
    let (writer, _other, _directory) = writer();
    writer.write(|tx| insert(tx, "a")).await.unwrap();
    let refused = writer.write(|tx| insert(tx, "a")).await;
    assert!(matches!(refused, Err(Error::Bug(_))), "{refused:?}");
    writer.check().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn write_fails_while_the_file_is_not_in_its_place_and_nothing_is_written() {
    let (writer, other, directory) = writer();
    let path = directory.path().join("test.db");
    let aside = directory.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    let refused = writer.write(|tx| insert(tx, "a")).await;
    assert!(matches!(refused, Err(Error::FileMoved)), "{refused:?}");
    std::fs::rename(&aside, &path).unwrap();
    assert!(slugs(&other).is_empty());
    writer.check().unwrap();
    writer.write(|tx| insert(tx, "a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_of_another_process_fails_the_whole_queue_at_once_and_later_writes_succeed() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    let jobs: Vec<_> = (0..10).map(|_| enqueue(&writer, |_| Ok(()))).collect();
    drop(held);
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Five seconds, once, not ten times.
    let jobs: Vec<_> = (0..10).map(|_| enqueue(&writer, |_| Ok(()))).collect();
    for job in jobs {
        assert!(matches!(job.await.unwrap(), Err(Error::Unavailable(_))));
    }
    assert!(matches!(writer.check(), Err(Error::Unavailable(_))));
    other.execute_batch("COMMIT").unwrap();
    writer.write(|tx| insert(tx, "later")).await.unwrap();
    writer.check().unwrap();
}

/// A use of the key with this number, which need not exist.
fn use_of(key: u128) -> MeteredUse {
    MeteredUse {
        event: UsageEvent {
            key: KeyId(Uuid::from_u128(key)),
            at: Timestamp::from_millis(0),
            outcome: Outcome::Success,
            count: 1,
        },
        rate_limit: None,
        has_quota: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn use_of_an_unknown_key_fails_alone_in_its_batch() {
    let (writer, other, _directory) = writer();
    writer
        .write(|tx| {
            insert(tx, "a")?;
            let id = Uuid::from_u128(1).to_string();
            tx.execute(
                "INSERT INTO organization_totals (organization_id, total_keys, never_used_keys)
                 VALUES (?1, 1, 1)",
                [&id],
            )?;
            tx.execute(
                "INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at)
                 VALUES (?1, ?1, zeroblob(32), 'sk_...abcd', 'x', 0)",
                [&id],
            )?;
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    let held = hold(&writer);
    let uses = [1, 2, 1].map(|key| {
        let (caller, answer) = oneshot::channel();
        let message = Message::Use(use_of(key), caller);
        writer.queue.try_send(message).unwrap();
        answer
    });
    drop(held);
    for (at, recorded) in uses.into_iter().enumerate() {
        let recorded = recorded.await.unwrap();
        match at {
            1 => assert!(
                matches!(recorded, Err(Error::UnknownKey(_))),
                "{recorded:?}"
            ),
            _ => assert!(recorded.is_ok(), "{recorded:?}"),
        }
    }
    let count = |sql: &str| -> i64 { other.query_row(sql, [], |row| row.get(0)).unwrap() };
    for table in [
        "api_keys",
        "organization_totals",
        "organization_daily_usage",
    ] {
        assert_eq!(
            count(&format!("SELECT sum(successful_requests) FROM {table}")),
            2,
            "{table}"
        );
    }
}

#[test]
fn write_now_is_atomic() {
    let (_writer, mut conn, _directory) = writer();
    write_now(&mut conn, |tx| insert(tx, "kept")).unwrap();
    let failed = write_now(&mut conn, |tx| {
        insert(tx, "undone")?;
        Err::<(), _>(Error::TooLarge)
    });
    assert!(matches!(failed, Err(Error::TooLarge)));
    let panicked = write_now::<(), Error>(&mut conn, |tx| {
        insert(tx, "undone")?;
        panic!("in the middle")
    });
    assert!(matches!(panicked, Err(Error::Panicked)));
    write_now(&mut conn, |tx| insert(tx, "kept-too")).unwrap();
    assert_eq!(slugs(&conn), ["kept", "kept-too"]);
}
