//! A backup beside validations: no request fails, and the sums in the copy are exact.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use super::{assert_whole, create_key};
use crate::support::{Api, TestDir};

const CLIENTS: usize = 4;
const BACKUPS: usize = 5;

#[test]
fn backup_beside_validations_fails_no_request_and_has_exact_sums() {
    let home = TestDir::demo();
    let key = create_key(&home, "busy");
    let secret = key["key"].as_str().unwrap();
    let server = home.serve(&[]);
    let is_done = AtomicBool::new(false);
    let counted = AtomicUsize::new(0);
    let bounds = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let api = Api::with_key(&server.api, secret);
                while !is_done.load(Ordering::SeqCst) {
                    assert_eq!(api.try_validate().unwrap().status, 200);
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let bounds: Vec<_> = (0..BACKUPS)
            .map(|n| {
                let before = counted.load(Ordering::SeqCst);
                let outcome = home.run(&["backup", &format!("copy-{n}.db")]);
                let after = counted.load(Ordering::SeqCst) + CLIENTS;
                (outcome, before, after)
            })
            .collect();
        is_done.store(true, Ordering::SeqCst);
        bounds
    });
    server.stop();
    for (n, (outcome, before, after)) in bounds.into_iter().enumerate() {
        outcome.success();
        let copy = format!("copy-{n}.db");
        assert_whole(&home, &copy);
        let uses = "SELECT successful_requests FROM api_keys WHERE name = 'busy'";
        let uses: i64 = (home.sqlite(&copy))
            .query_row(uses, [], |row| row.get(0))
            .unwrap();
        let uses = usize::try_from(uses).unwrap();
        assert!(
            (before..=after).contains(&uses),
            "{uses} is not in {before}..={after}"
        );
    }
}
