//! A key's secret and what is kept of it.
//!
//! Plain and hashed secret are different types, so that a plain one cannot be stored by mistake, and neither
//! prints: a plain one shows as its preview everywhere but through [`Secret::reveal`], which is for the one
//! time it is shown to whoever made it. The hash is plain SHA-256: a secret has 178 random bits, which no
//! dictionary holds, and it is looked up by index on every use.
//!
//! The form is GitHub's: a prefix that scanners find and a checksum that tells a typing error from a wrong key
//! without asking anybody. <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>

use std::fmt;

use aws_lc_rs::digest;

const PREFIX: &str = "sk_";
const RANDOM_DIGITS: usize = 30;
const CHECKSUM_DIGITS: u32 = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A plain secret: `sk_`, 30 random Base62 digits, and 6 more of the CRC-32 of all before.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl Secret {
    /// The length of every secret, in characters.
    pub const LENGTH: usize = PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS as usize;

    /// The secret that 32 random bytes make: the last 30 Base62 digits of the number they spell. That number is
    /// 2⁷⁷ times larger than 62³⁰, so every digit is as likely as any other.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        let mut number = random;
        let digits = (0..RANDOM_DIGITS).map(|_| digit(divide_by_62(&mut number)));
        let mut text: String = PREFIX.chars().chain(digits).collect();
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The secret that `text` is, or `None` when it has not the form of one: another prefix or length, another
    /// character, or a checksum that does not fit, as after a typing error.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let (random, found) = digits.split_at_checked(RANDOM_DIGITS)?;
        let is_base62 = random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let expected = checksum(&text[..PREFIX.len() + RANDOM_DIGITS]);
        (is_base62 && found == expected).then(|| Self(text.to_owned()))
    }

    /// The secret itself, to be shown this once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref());
        SecretHash(hash)
    }

    /// `sk_...` and the last four characters: enough for people to tell their keys apart.
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

/// The preview.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.preview())
    }
}

/// The preview.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether `text` contains something shaped like a secret, whole or cut off: `sk_` at the beginning of a word followed by
/// a letter or digit, or `sk_` anywhere followed by 30 of them. `task_7` does not.
#[must_use]
pub fn contains_secret(text: &str) -> bool {
    text.match_indices(PREFIX).any(|(at, _)| {
        let is_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text[at + PREFIX.len()..].bytes();
        let digits = rest.take_while(u8::is_ascii_alphanumeric).count();
        digits >= if is_word { 1 } else { RANDOM_DIGITS }
    })
}

/// Divides a number, given by its bytes, most significant first; the remainder.
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

/// The CRC-32 (IEEE 802.3) of `text`, as six Base62 digits: 62⁶ is more than 2³².
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
    /// The 32 bytes to store and to look up by.
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

    /// The `n`th of many 32 bytes that look random: SHA-256 of the number.
    fn random(n: u32) -> [u8; 32] {
        let hash = digest::digest(&digest::SHA256, &n.to_be_bytes());
        hash.as_ref().try_into().unwrap()
    }

    proptest! {
        #[test]
        fn every_secret_has_the_documented_form_and_is_read_back(random: [u8; 32]) {
            let secret = Secret::generate(random);
            let text = secret.reveal();
            prop_assert!(text.starts_with("sk_") && text.len() == Secret::LENGTH);
            prop_assert!(text[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(Secret::parse(text), Some(secret));
        }

        #[test]
        fn a_secret_with_one_wrong_character_is_none(random: [u8; 32]) {
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
        fn a_secret_with_two_neighbours_swapped_is_none(random: [u8; 32]) {
            let secret = Secret::generate(random);
            for at in 0..Secret::LENGTH - 1 {
                let mut text = secret.reveal().as_bytes().to_owned();
                text.swap(at, at + 1);
                let text = String::from_utf8(text).unwrap();
                prop_assert!(text == secret.reveal() || Secret::parse(&text).is_none(), "{}", text);
            }
        }

        #[test]
        fn any_other_text_is_none(text in "\\PC{0,50}|sk_[0-9A-Za-z]{36}|sk_ä.{34}") {
            prop_assert_eq!(Secret::parse(&text), None);
        }
    }

    #[test]
    fn the_checksum_is_the_one_that_scanners_compute() {
        // zlib.crc32(b"sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww") in Base62
        assert_eq!(checksum("sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww"), "0IZk3Q");
    }

    #[test]
    fn the_smallest_and_the_largest_number_make_secrets_too() {
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
    fn secrets_do_not_repeat_and_use_every_digit_alike() {
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
    fn a_secret_prints_as_its_preview_and_its_hash_not_at_all() {
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
    fn the_hash_is_sha_256() {
        let secret = Secret::parse("sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q").unwrap();
        assert_eq!(secret.hash().as_bytes()[..4], [0x7c, 0x64, 0x8d, 0x7b]);
    }
}
