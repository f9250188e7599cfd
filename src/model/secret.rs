//! The secret of a key, and its hash, which is stored.
//!
//! Secret and hash are different types, so that a secret cannot be stored by mistake. Invariant: neither is printed. A
//! secret prints as its preview; [`Secret::reveal`] returns it for the response that creates it. The hash is unsalted
//! SHA-256: a secret has 178 random bits, so it cannot be guessed, and every validation looks it up by an index.
//!
//! The format is GitHub's: scanners find the prefix, and the checksum tells a typing error from an unknown key without a
//! query. <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>

use std::fmt;

use super::sha256;

const PREFIX: &str = "sk_";
const RANDOM_DIGITS: usize = 30;
const CHECKSUM_DIGITS: u32 = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A secret: `sk_`, 30 random Base62 digits, and 6 Base62 digits of the CRC-32 of the preceding characters.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl Secret {
    /// The length of every secret, in characters.
    pub const LENGTH: usize = PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS as usize;

    /// Creates a secret from 32 random bytes, with the last 30 Base62 digits of their number. The range of the number is
    /// 2⁷⁷ times larger than 62³⁰, so all digits are equally likely.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        let mut number = random;
        let digits = (0..RANDOM_DIGITS).map(|_| digit(divide_by_62(&mut number)));
        let mut text: String = PREFIX.chars().chain(digits).collect();
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// Parses a secret. `None` if the prefix, the length, a character or the checksum is wrong, as after a typing error.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let (random, found) = digits.split_at_checked(RANDOM_DIGITS)?;
        let is_base62 = random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let expected = checksum(&text[..PREFIX.len() + RANDOM_DIGITS]);
        (is_base62 && found == expected).then(|| Self(text.to_owned()))
    }

    /// Returns the secret itself, to show it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash, which the database stores.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(self.0.as_bytes()))
    }

    /// Returns `sk_...` and the last four characters, by which people can recognise a key.
    #[must_use]
    pub fn preview(&self) -> String {
        format!("{PREFIX}...{}", &self.0[Self::LENGTH - 4..])
    }
}

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text)
            .ok_or("a secret is sk_ and 36 letters and digits, the last 6 of them a checksum")
    }
}

/// Prints the preview.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.preview())
    }
}

/// Prints the preview.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns whether `text` contains a secret or the beginning of one: `sk_` at the beginning of a word and a letter or
/// digit, or `sk_` anywhere and 30 letters or digits. `task_7` contains neither.
#[must_use]
pub fn contains_secret(text: &str) -> bool {
    text.match_indices(PREFIX).any(|(at, _)| {
        let is_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text[at + PREFIX.len()..].bytes();
        let digits = rest.take_while(u8::is_ascii_alphanumeric).count();
        digits >= if is_word { 1 } else { RANDOM_DIGITS }
    })
}

/// Divides a big-endian number in place. Returns the remainder.
fn divide_by_62(number: &mut [u8; 32]) -> u32 {
    let mut remainder = 0;
    for byte in number {
        let part = remainder << 8 | u32::from(*byte);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 256, since the remainder so far is below 62"
        )]
        {
            *byte = (part / 62) as u8;
        }
        remainder = part % 62;
    }
    remainder
}

fn digit(value: u32) -> char {
    char::from(BASE62[value as usize])
}

/// Returns the CRC-32 (IEEE 802.3) of `text` as six Base62 digits. 62⁶ is greater than 2³².
fn checksum(text: &str) -> String {
    let crc = crc32fast::hash(text.as_bytes());
    let places = (0..CHECKSUM_DIGITS).rev();
    places
        .map(|place| digit(crc / 62_u32.pow(place) % 62))
        .collect()
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Returns the 32 bytes, which are stored and indexed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Returns the SHA-256 of `n`, as pseudo-random bytes.
    fn random(n: u32) -> [u8; 32] {
        sha256(&n.to_be_bytes())
    }

    proptest! {
        #[test]
        fn generate_has_the_documented_format_and_parses(random: [u8; 32]) {
            let secret = Secret::generate(random);
            let text = secret.reveal();
            prop_assert!(text.starts_with("sk_") && text.len() == Secret::LENGTH);
            prop_assert!(text[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(Secret::parse(text), Some(secret));
        }

        #[test]
        fn parse_rejects_one_wrong_character(random: [u8; 32]) {
            let secret = Secret::generate(random);
            for at in 0..Secret::LENGTH {
                for wrong in BASE62.iter().chain(b"_-. ").filter(|byte| **byte != secret.reveal().as_bytes()[at]) {
                    let mut text = secret.reveal().as_bytes().to_owned();
                    text[at] = *wrong;
                    let text = String::from_utf8(text).unwrap();
                    prop_assert_eq!(Secret::parse(&text), None, "{}", text);
                }
            }
        }

        #[test]
        fn parse_rejects_two_swapped_neighbours(random: [u8; 32]) {
            let secret = Secret::generate(random);
            for at in 0..Secret::LENGTH - 1 {
                let mut text = secret.reveal().as_bytes().to_owned();
                text.swap(at, at + 1);
                let text = String::from_utf8(text).unwrap();
                prop_assert!(text == secret.reveal() || Secret::parse(&text).is_none(), "{}", text);
            }
        }

        #[test]
        fn parse_rejects_other_texts(text in "\\PC{0,50}|sk_[0-9A-Za-z]{36}|sk_ä.{34}") {
            prop_assert_eq!(Secret::parse(&text), None);
        }
    }

    #[test]
    fn checksum_is_the_one_that_scanners_compute() {
        // zlib.crc32(b"sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww") in Base62
        assert_eq!(checksum("sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww"), "0IZk3Q");
    }

    #[test]
    fn generate_accepts_the_smallest_and_the_largest_number() {
        let zero = Secret::generate([0; 32]);
        assert!(zero.reveal().starts_with(&format!("sk_{}", "0".repeat(30))));
        assert_eq!(
            Secret::parse(zero.reveal()).as_ref().map(Secret::reveal),
            Some(zero.reveal())
        );
        // (2^256 - 1) mod 62^30, least significant digit first.
        let largest = Secret::generate([0xff; 32]);
        assert_eq!(&largest.reveal()[3..33], "1pX8wOr5j2ACunjH7GLL8mWZWHmY1L");
    }

    #[test]
    fn generate_does_not_repeat_and_uses_all_digits_equally() {
        const SECRETS: u32 = 100_000;
        let mut seen = HashSet::new();
        let mut counts = [[0_u32; 128]; RANDOM_DIGITS];
        for n in 0..SECRETS {
            let secret = Secret::generate(random(n));
            for (count, byte) in counts.iter_mut().zip(secret.reveal()[3..].bytes()) {
                count[usize::from(byte)] += 1;
            }
            assert!(seen.insert(secret.reveal().to_owned()));
        }
        // Pearson's chi-square with 61 degrees of freedom exceeds 130 by chance once in a million positions.
        let expected = f64::from(SECRETS) / 62.0;
        for (position, count) in counts.iter().enumerate() {
            let distance = |byte: &u8| (f64::from(count[usize::from(*byte)]) - expected).powi(2);
            let chi_square = BASE62.iter().map(distance).sum::<f64>() / expected;
            assert!(chi_square < 130.0, "position {position}: {chi_square}");
        }
    }

    #[test]
    fn secret_prints_as_its_preview_and_its_hash_as_dots() {
        let secret = Secret::parse("sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q").unwrap();
        assert_eq!(format!("{secret:?} {secret}"), "sk_...Zk3Q sk_...Zk3Q");
        assert_eq!(format!("{:?}", secret.hash()), "SecretHash(..)");
    }

    #[test]
    fn contains_secret_finds_secrets_whole_or_cut_off_and_no_other_words() {
        let secret = "sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q";
        let inside_a_word = format!("key{secret}");
        let after_a_colon = format!("trace:{secret}");
        for text in [
            secret,
            &inside_a_word,
            &after_a_colon,
            "sk_live",
            "x sk_0",
            "ñsk_0",
        ] {
            assert!(contains_secret(text), "{text}");
        }
        for text in [
            "",
            "sk_",
            "sk_...Zk3Q",
            "task_7",
            "disk_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "SK_x",
        ] {
            assert!(!contains_secret(text), "{text}");
        }
    }

    #[test]
    fn hash_is_sha_256() {
        let secret = Secret::parse("sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q").unwrap();
        assert_eq!(secret.hash().as_bytes()[..4], [0x7c, 0x64, 0x8d, 0x7b]);
    }
}
