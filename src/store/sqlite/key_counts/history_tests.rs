//! Kept counts plus the difference since then equal a count from scratch.
//!
//! Random histories of every event that changes a count, read at any instant, with clocks that are set back, in databases
//! migrated from an earlier version.

use proptest::{collection::vec, option, prelude::*};

use super::history::{DAY, History, Step};

/// Up to 70 days, often at the edge of inactivity or within a millisecond.
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..70 * DAY,
        (0..3i64).prop_map(|months| months * 30 * DAY),
        (29..=31i64).prop_map(|days| days * DAY),
        0..3i64,
    ]
}

fn signed_distance() -> impl Strategy<Value = i64> {
    (distance(), any::<bool>()).prop_map(|(distance, back)| if back { -distance } else { distance })
}

fn step() -> impl Strategy<Value = Step> {
    let expiry = || option::of(signed_distance());
    let key = 0..8usize;
    let past = || distance().prop_map(|distance| -distance);
    prop_oneof![
        (expiry(), any::<[bool; 2]>()).prop_map(|(expiry, state)| Step::Seed(expiry, state)),
        expiry().prop_map(Step::Create),
        vec((key.clone(), past()), 1..4).prop_map(Step::Use),
        (key.clone(), past()).prop_map(|(key, at)| Step::Import(key, at)),
        key.clone().prop_map(Step::Revoke),
        (key, any::<bool>(), expiry())
            .prop_map(|(key, off, expiry)| Step::Change(key, off, expiry)),
        signed_distance().prop_map(Step::SetClock),
        (1..4i64).prop_map(Step::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn counts_of_any_history_equal_a_count_from_scratch(
        old in vec((option::of(signed_distance()), option::of(signed_distance()), any::<bool>()), 0..6),
        steps in vec((step(), signed_distance()), 0..24),
    ) {
        let mut history = History::migrated(&old);
        history.check(history.now);
        for (step, distance) in &steps {
            history.take(step);
            history.check(history.now);
            history.check(history.at(*distance));
        }
        history.finish();
        history.check(history.now);
    }
}
