//! Generation of key ids: UUIDs of version 7 (RFC 9562, section 5.7), each greater than the one before.
//!
//! Called by the store in the transaction that creates a key. Keys of the same millisecond are listed in the order of
//! their ids, so ids must increase within a millisecond, and also after the clock was set back (section 6.2, method 2).

use uuid::Uuid;

use super::{KeyId, Timestamp};

/// The random bytes for an id, of which 74 bits are used.
pub type KeyIdRandom = [u8; 10];

/// The bits of an id besides its time, version and variant.
const RANDOM_BITS: u32 = 74;

/// The bits below the variant.
const RAND_B_BITS: u32 = 62;

/// The greatest counter: all bits set, in the year 10889.
const MAX_COUNTER: u128 = (1 << (48 + RANDOM_BITS)) - 1;

impl KeyId {
    /// Returns the id of a key that is created at `now`. It is greater than `newest`, the last id that this function
    /// returned.
    ///
    /// An id has the time `now` and random bits. If `newest` has the same time or a later one, the id is instead
    /// `newest` plus a random number from 1 to 2³²; an overflow of the random bits carries into the time.
    #[must_use]
    pub fn next(newest: Option<Self>, now: Timestamp, random: KeyIdRandom) -> Self {
        let mut bytes = [0; 16];
        bytes[6..].copy_from_slice(&random);
        let random = u128::from_be_bytes(bytes);
        let time = u128::try_from(now.as_millis()).unwrap_or(0);
        let counter = match newest.map(Self::counter) {
            Some(newest) if newest >> RANDOM_BITS >= time => newest + 1 + low_bits(random, 32),
            _ => (time << RANDOM_BITS) | low_bits(random, RANDOM_BITS),
        };
        Self::from_counter(counter.min(MAX_COUNTER))
    }

    /// Returns the id without its version and variant: 48 bits of time and 74 random bits. Ids of version 7 have the
    /// order of their counters.
    fn counter(self) -> u128 {
        let id = self.0.as_u128();
        let (time, rand_a) = (id >> 80, low_bits(id >> 64, 12));
        (time << RANDOM_BITS) | (rand_a << RAND_B_BITS) | low_bits(id, RAND_B_BITS)
    }

    /// The inverse of [`Self::counter`].
    fn from_counter(counter: u128) -> Self {
        const VERSION: u128 = 7;
        const VARIANT: u128 = 0b10;
        let (time, rand_a) = (counter >> RANDOM_BITS, low_bits(counter >> RAND_B_BITS, 12));
        let high = (time << 16) | (VERSION << 12) | rand_a;
        let low = (VARIANT << RAND_B_BITS) | low_bits(counter, RAND_B_BITS);
        Self(Uuid::from_u128((high << 64) | low))
    }
}

fn low_bits(number: u128, bits: u32) -> u128 {
    number & ((1 << bits) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use uuid::Variant;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_768_478_400_000);

    fn millis(id: KeyId) -> i64 {
        i64::try_from(id.0.as_u128() >> 80).unwrap()
    }

    /// Generates instants that are often equal and sometimes at the limits.
    fn instant() -> impl Strategy<Value = Timestamp> {
        let millis = prop_oneof![
            4 => 0..4i64,
            1 => 0..Timestamp::MAX.as_millis(),
            1 => Just(Timestamp::MAX.as_millis()),
        ];
        millis.prop_map(Timestamp::from_millis)
    }

    fn random() -> impl Strategy<Value = KeyIdRandom> {
        prop_oneof![any::<KeyIdRandom>(), Just([0; 10]), Just([0xff; 10])]
    }

    proptest! {
        #[test]
        fn next_is_greater_than_newest_even_if_the_clock_was_set_back(
            steps in vec((instant(), random()), 1..50),
        ) {
            let mut newest = None;
            for (now, random) in steps {
                let id = KeyId::next(newest, now, random);
                prop_assert!(newest < Some(id), "{newest:?} {id:?}");
                prop_assert!(newest.map(|newest| newest.0.to_string()) < Some(id.0.to_string()));
                prop_assert_eq!(id.0.get_version_num(), 7);
                prop_assert_eq!(id.0.get_variant(), Variant::RFC4122);
                prop_assert!(millis(id) >= now.as_millis());
                newest = Some(id);
            }
        }

        #[test]
        fn next_of_a_later_millisecond_does_not_depend_on_newest(
            before: KeyIdRandom,
            random: KeyIdRandom,
        ) {
            let newest = KeyId::next(None, Timestamp::from_millis(0), before);
            let id = KeyId::next(Some(newest), NOON, random);
            prop_assert_eq!(id, KeyId::next(None, NOON, random));
            prop_assert_eq!(millis(id), NOON.as_millis());
        }
    }

    /// The example of RFC 9562, appendix A.6.
    #[test]
    fn next_has_the_layout_of_the_rfc() {
        let now = Timestamp::from_millis(0x017F_22E2_79B0);
        let (rand_a, rand_b) = (0xCC3_u128, 0x18C4_DC0C_0C07_398F_u128);
        let bytes = ((rand_a << RAND_B_BITS) | rand_b).to_be_bytes();
        let id = KeyId::next(None, now, bytes[6..].try_into().unwrap());
        assert_eq!(id.0.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn next_carries_an_overflow_into_the_time() {
        let newest = KeyId::next(None, NOON, [0xff; 10]);
        let id = KeyId::next(Some(newest), NOON, [0; 10]);
        assert_eq!(millis(id), NOON.as_millis() + 1);
    }
}
