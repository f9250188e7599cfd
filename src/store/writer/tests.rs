//! What the writer promises, with a writer that is held up so that the queue fills.
//!
//! That other processes are let in between two transactions is shown with real processes, in `tests/it/cli`.

use std::sync::mpsc::channel;

use uuid::Uuid;

use super::*;
use crate::{
    model::{KeyId, Outcome, Timestamp, Use},
    store::sqlite::open,
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

/// Keeps the writer busy until the sender is dropped; returns once it is.
fn hold(writer: &Writer) -> std::sync::mpsc::Sender<()> {
    let (release, released) = channel::<()>();
    let (busy, is_busy) = channel();
    let writer = writer.clone();
    tokio::spawn(async move {
        let hold = move |_: &Savepoint<'_>| {
            busy.send(()).unwrap();
            // An error: the sender is dropped.
            released.recv().unwrap_or(());
            Ok(())
        };
        writer.write(hold).await
    });
    tokio::task::block_in_place(|| is_busy.recv().unwrap());
    release
}

/// Puts a write into the queue; what it will return.
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
async fn of_writes_that_are_committed_together_each_fails_alone() {
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
    assert!(matches!(twice.await.unwrap(), Err(Error::Sqlite(_))));
    assert!(matches!(panicking.await.unwrap(), Err(Error::Unfinished)));
    assert!(late.await.unwrap().is_ok());
    assert_eq!(slugs(&other), ["a", "dddd"]);
    assert!(writer.write(|tx| insert(tx, "eeeee")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_tells_of_is_committed() {
    let (writer, other, _directory) = writer();
    for n in 1..20 {
        let slug = "x".repeat(n);
        writer.write(move |tx| insert(tx, &slug)).await.unwrap();
        assert_eq!(slugs(&other).len(), n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_nobody_waits_for_any_more_is_not_begun() {
    let (writer, other, _directory) = writer();
    let held = hold(&writer);
    drop(enqueue(&writer, |tx| insert(tx, "abandoned")));
    let last = enqueue(&writer, |tx| insert(tx, "wanted"));
    drop(held);
    last.await.unwrap().unwrap();
    assert_eq!(slugs(&other), ["wanted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_loses_nothing() {
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
async fn closing_writes_what_waits_and_refuses_what_comes_later() {
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
    assert!(matches!(refused, Err(Error::Sqlite(_))), "{refused:?}");
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
async fn while_another_process_writes_all_that_wait_fail_together_and_later_ones_succeed() {
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

/// A use of the key with this number, which need not be there.
fn use_of(key: u128) -> LiveUse {
    LiveUse {
        used: Use {
            key: KeyId(Uuid::from_u128(key)),
            at: Timestamp::from_millis(0),
            outcome: Outcome::Success,
            count: 1,
        },
        rate_limit: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uses_that_are_recorded_together_one_that_cannot_be_fails_alone() {
    let (writer, other, _directory) = writer();
    writer
        .write(|tx| {
            insert(tx, "a")?;
            let id = Uuid::from_u128(1).to_string();
            tx.execute(
                "INSERT INTO organization_totals (organization_id) VALUES (?1)",
                [&id],
            )?;
            tx.execute(
                "INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at)
                 VALUES (?1, ?1, zeroblob(32), 'sk_...abcd', 'x', 0)",
                [&id],
            )?;
            Ok(())
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
fn a_write_here_and_now_is_whole_or_not_at_all() {
    let (_writer, mut conn, _directory) = writer();
    write_now(&mut conn, |tx| insert(tx, "kept")).unwrap();
    let failed = write_now(&mut conn, |tx| {
        insert(tx, "undone")?;
        Err::<(), _>(Error::TooLarge)
    });
    assert!(matches!(failed, Err(Error::TooLarge)));
    let panicked = write_now::<()>(&mut conn, |tx| {
        insert(tx, "undone")?;
        panic!("in the middle")
    });
    assert!(matches!(panicked, Err(Error::Unfinished)));
    write_now(&mut conn, |tx| insert(tx, "kept-too")).unwrap();
    assert_eq!(slugs(&conn), ["kept", "kept-too"]);
}
