//! JWK sets: which keys are usable, which one a token selects, and that a removed key verifies nothing.

use jsonwebtoken::Algorithm;
use llavero::token::{
    ExpectedClaims, HmacSecret, JwkError, KeySet, KeySetError, ParsedKeySet, TokenError,
    TrustedKey, Verifier,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{HEADER, base64url, claims, signed};
use crate::support::{ANA, Issuer, NOW, SECRET, later, set_of};

const DAY: i64 = 86_400_000;

fn parse(jwks: impl IntoIterator<Item = Value>) -> ParsedKeySet {
    KeySet::parse(set_of(jwks).as_bytes()).unwrap()
}

/// A verifier of a set that is used for ever, with the database's secret beside it.
fn verifier(jwks: impl IntoIterator<Item = Value>) -> Verifier {
    let secret = TrustedKey::from_secret(&HmacSecret::from(SECRET));
    let verifier = Verifier::with_key_set(Some(secret), ExpectedClaims::default());
    verifier.replace_key_set(parse(jwks).set, None);
    verifier
}

/// The user of a token, or the reason why it was rejected.
fn verify(verifier: &Verifier, token: &str) -> Result<String, TokenError> {
    let user = verifier.verify(token, NOW);
    user.map(|user| user.as_str().to_owned())
}

/// The key of `issuer`, with other members.
fn changed(issuer: &Issuer, members: &Value) -> Value {
    let mut jwk = issuer.jwk("a");
    for (name, value) in members.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

fn without(issuer: &Issuer, member: &str) -> Value {
    let mut jwk = issuer.jwk("a");
    jwk.as_object_mut().unwrap().remove(member).unwrap();
    jwk
}

#[test]
fn key_of_each_algorithm_verifies_its_tokens() {
    for issuer in Issuer::all() {
        for jwk in [
            issuer.jwk("a"),
            changed(&issuer, &json!({ "x5t": "?", "exp": 1, "new": {} })),
            changed(&issuer, &json!({ "key_ops": ["sign", "verify"] })),
            without(&issuer, "use"),
            without(&issuer, "alg"),
            without(&issuer, "key_ops"),
        ] {
            let verifier = verifier([jwk.clone()]);
            let token = issuer.token("a");
            assert_eq!(verify(&verifier, &token), Ok(ANA.to_owned()), "{jwk}");
        }
    }
    let renamed = changed(&Issuer::ed25519(), &json!({ "alg": "Ed25519" }));
    assert!(verify(&verifier([renamed]), &Issuer::ed25519().token("a")).is_ok());
}

#[test]
fn key_of_the_rfcs_is_usable() {
    // RFC 7517, appendix A.1, without "use": "enc"; RFC 8037, appendix A.2.
    let p256 = json!({
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let rsa = json!({
        "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    let ed25519 = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let parsed = parse([p256, rsa, ed25519]);
    assert_eq!(parsed.rejected, []);
    assert_eq!(
        parsed.set.counts(),
        [("ES256", 1), ("RS256", 1), ("EdDSA", 1)]
    );
}

fn unsupported(member: &'static str, value: &str) -> JwkError {
    JwkError::Unsupported {
        member,
        value: value.to_owned(),
    }
}

/// Requires that a key is rejected for this reason, and that another key of the set is not.
fn assert_rejected(jwk: &Value, reason: &JwkError) {
    let parsed = parse([jwk.clone(), Issuer::other_p256().jwk("good")]);
    assert_eq!(parsed.set.counts()[0], ("ES256", 1), "{jwk}");
    let reasons: Vec<_> = parsed.rejected.iter().map(|key| &key.reason).collect();
    assert_eq!(reasons, [reason], "{jwk}");
}

#[test]
fn unusable_key_is_rejected_with_its_reason() {
    let (p256, ed25519) = (&Issuer::p256(), &Issuer::ed25519());
    for (jwk, reason) in [
        (json!("x"), JwkError::NotAnObject),
        (json!({ "kid": "a" }), JwkError::Member("kty")),
        (changed(p256, &json!({ "kid": 1 })), JwkError::Member("kid")),
        (
            json!({ "kty": "oct", "k": base64url(SECRET), "alg": "HS256" }),
            JwkError::Symmetric,
        ),
        (json!({ "kty": "AKP" }), unsupported("kty", "AKP")),
        (
            changed(p256, &json!({ "use": "enc" })),
            JwkError::NotForSignatures,
        ),
        (
            changed(p256, &json!({ "alg": "ES384" })),
            unsupported("alg", "ES384"),
        ),
        (
            changed(p256, &json!({ "alg": "RS256" })),
            unsupported("alg", "RS256"),
        ),
        (
            changed(p256, &json!({ "crv": "P-384" })),
            unsupported("crv", "P-384"),
        ),
        (
            changed(ed25519, &json!({ "crv": "X25519" })),
            unsupported("crv", "X25519"),
        ),
        (without(p256, "crv"), JwkError::Member("crv")),
        (without(p256, "y"), JwkError::Member("y")),
        (changed(p256, &json!({ "x": "AAAA" })), JwkError::Invalid),
        (changed(p256, &json!({ "x": "A==" })), JwkError::Member("x")),
        (
            changed(p256, &json!({ "x": base64url([1; 32]) })),
            JwkError::Invalid,
        ),
        (
            changed(ed25519, &json!({ "x": base64url([1; 31]) })),
            JwkError::Invalid,
        ),
        (changed(ed25519, &json!({ "d": "AAAA" })), JwkError::Private),
    ] {
        assert_rejected(&jwk, &reason);
    }
}

#[test]
fn unusable_rsa_key_is_rejected_with_its_reason() {
    let rsa = &Issuer::rsa();
    let number = |bytes: usize| base64url(vec![0xff; bytes]);
    for (jwk, reason) in [
        (
            changed(rsa, &json!({ "key_ops": ["sign"] })),
            JwkError::NotForSignatures,
        ),
        (
            changed(rsa, &json!({ "key_ops": "verify" })),
            JwkError::Member("key_ops"),
        ),
        (
            changed(rsa, &json!({ "alg": "PS256" })),
            unsupported("alg", "PS256"),
        ),
        (
            changed(rsa, &json!({ "alg": "RSA-OAEP" })),
            unsupported("alg", "RSA-OAEP"),
        ),
        (
            changed(rsa, &json!({ "alg": null })),
            JwkError::Member("alg"),
        ),
        (
            changed(rsa, &json!({ "n": number(128) })),
            JwkError::RsaSize(1024),
        ),
        (
            changed(
                rsa,
                &json!({ "n": base64url([&[0x7f], &[0xff; 255][..]].concat()) }),
            ),
            JwkError::RsaSize(2047),
        ),
        (
            changed(
                rsa,
                &json!({ "n": base64url([&[0; 128], &[0xff; 128][..]].concat()) }),
            ),
            JwkError::RsaSize(1024),
        ),
        (
            changed(rsa, &json!({ "n": number(1025) })),
            JwkError::RsaSize(8200),
        ),
        (changed(rsa, &json!({ "n": "" })), JwkError::RsaSize(0)),
        // With the exponent 1, everyone could sign.
        (changed(rsa, &json!({ "e": "AQ" })), JwkError::Invalid),
        (changed(rsa, &json!({ "e": "AA" })), JwkError::Invalid),
        (changed(rsa, &json!({ "e": "Ag" })), JwkError::Invalid),
        (
            changed(rsa, &json!({ "e": base64url([1; 5]) })),
            JwkError::Invalid,
        ),
        (
            changed(rsa, &json!({ "n": base64url([0xfe; 256]) })),
            JwkError::Invalid,
        ),
    ] {
        assert_rejected(&jwk, &reason);
    }
}

#[test]
fn rejected_key_is_named_by_its_kid_or_its_position() {
    let long = "k".repeat(1000);
    let jwks = [
        json!({ "kty": "oct", "kid": "shared" }),
        json!({ "kty": "oct" }),
        json!({ "kty": "oct", "kid": long }),
    ];
    let names = parse(jwks).rejected.into_iter().map(|key| key.name);
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["shared", "#2", &long[..64]]);
}

#[test]
fn keys_that_share_a_kid_are_all_rejected() {
    let jwks = [
        Issuer::p256().jwk("a"),
        Issuer::other_p256().jwk("a"),
        Issuer::rsa().jwk("b"),
        json!({ "kty": "oct", "kid": "b" }),
        Issuer::ed25519().jwk("c"),
    ];
    let parsed = parse(jwks.clone());
    let rejected = parsed.rejected.into_iter();
    let rejected: Vec<_> = rejected.map(|key| (key.name, key.reason)).collect();
    let shared = |kid: &str| (kid.to_owned(), JwkError::SharedId);
    assert_eq!(
        rejected,
        [
            shared("a"),
            shared("a"),
            shared("b"),
            ("b".to_owned(), JwkError::Symmetric)
        ]
    );
    let verifier = verifier(jwks);
    let token = Issuer::p256().token("a");
    assert_eq!(verify(&verifier, &token), Err(TokenError::UnknownKey));
    assert!(verify(&verifier, &Issuer::ed25519().token("c")).is_ok());
}

#[test]
fn set_must_be_an_object_with_an_array_of_keys() {
    for text in [
        "",
        "x",
        "[]",
        "null",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[]"#,
        r#"{"keys":[]}x"#,
    ] {
        let error = KeySet::parse(text.as_bytes()).err();
        assert_eq!(error, Some(KeySetError::NotASet), "{text}");
    }
    let jwk = Issuer::p256().jwk("a").to_string();
    let error = KeySet::parse(jwk.as_bytes()).err();
    assert_eq!(error, Some(KeySetError::SingleKey));
    let pem = include_bytes!("../../../keys/p256-public.pem");
    assert_eq!(KeySet::parse(pem).err(), Some(KeySetError::Pem));
    let parsed = KeySet::parse(br#" {"keys":[],"other":1} "#).unwrap();
    assert!(parsed.set.is_empty() && parsed.rejected.is_empty());
}

#[test]
fn token_selects_its_key_by_kid() {
    let (p256, other, rsa) = (Issuer::p256(), Issuer::other_p256(), Issuer::rsa());
    let verifier = verifier([p256.jwk("a"), other.jwk("b"), rsa.jwk("c")]);
    for (token, expected) in [
        (p256.token("a"), Ok(ANA.to_owned())),
        (other.token("b"), Ok(ANA.to_owned())),
        (rsa.token("c"), Ok(ANA.to_owned())),
        (other.token("a"), Err(TokenError::Signature)),
        (p256.token("d"), Err(TokenError::UnknownKey)),
        (p256.token(""), Err(TokenError::UnknownKey)),
        (p256.token("A"), Err(TokenError::UnknownKey)),
        // The key is known, and is not one for the algorithm that the token names.
        (rsa.token("a"), Err(TokenError::Signature)),
        (p256.token("c"), Err(TokenError::Signature)),
        (Issuer::ed25519().token("a"), Err(TokenError::Signature)),
    ] {
        assert_eq!(verify(&verifier, &token), expected, "{token}");
    }
}

#[test]
fn token_without_kid_needs_exactly_one_key_for_its_algorithm() {
    let (p256, other, rsa) = (Issuer::p256(), Issuer::other_p256(), Issuer::rsa());
    let token = p256.token_without_kid();
    for (jwks, expected) in [
        (vec![p256.jwk("a")], Ok(ANA.to_owned())),
        (vec![without(&p256, "kid")], Ok(ANA.to_owned())),
        (vec![p256.jwk("a"), rsa.jwk("b")], Ok(ANA.to_owned())),
        (vec![other.jwk("a")], Err(TokenError::Signature)),
        (
            vec![p256.jwk("a"), other.jwk("b")],
            Err(TokenError::AmbiguousKey),
        ),
        (
            vec![without(&p256, "kid"), without(&other, "kid")],
            Err(TokenError::AmbiguousKey),
        ),
        (vec![rsa.jwk("a")], Err(TokenError::AmbiguousKey)),
        (vec![], Err(TokenError::AmbiguousKey)),
    ] {
        assert_eq!(verify(&verifier(jwks), &token), expected);
    }
    let verifier = verifier([without(&p256, "kid")]);
    let named = p256.token("a");
    assert_eq!(verify(&verifier, &named), Err(TokenError::UnknownKey));
}

#[test]
fn token_algorithm_without_a_source_is_malformed() {
    let p256 = Issuer::p256();
    let beside = verifier([p256.jwk("a")]);
    let alone = Verifier::with_key_set(None, ExpectedClaims::default());
    alone.replace_key_set(parse([p256.jwk("a")]).set, None);
    let hmac = signed(HEADER, claims().to_string());
    assert_eq!(verify(&beside, &hmac), Ok(ANA.to_owned()));
    assert_eq!(verify(&alone, &hmac), Err(TokenError::Algorithm));
    for algorithm in [
        Algorithm::HS384,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::ES384,
        Algorithm::PS256,
    ] {
        let token = p256.sign(&json!({ "alg": algorithm, "kid": "a" }));
        for verifier in [&beside, &alone] {
            assert_eq!(verify(verifier, &token), Err(TokenError::Algorithm));
        }
    }
}

#[test]
fn token_is_undecided_without_a_set_unless_it_is_malformed() {
    let secret = TrustedKey::from_secret(&HmacSecret::from(SECRET));
    let verifier = Verifier::with_key_set(Some(secret), ExpectedClaims::default());
    for issuer in Issuer::all() {
        for token in [issuer.token("a"), issuer.token_without_kid()] {
            assert_eq!(verify(&verifier, &token), Err(TokenError::NoKeySet));
        }
    }
    let good = Issuer::p256().token("a");
    let (message, _) = good.rsplit_once('.').unwrap();
    for malformed in [format!("{message}.="), message.to_owned(), "x".to_owned()] {
        assert_eq!(verify(&verifier, &malformed), Err(TokenError::Malformed));
    }
    let critical = Issuer::p256().sign(&json!({ "alg": "ES256", "crit": ["exp"] }));
    assert_eq!(verify(&verifier, &critical), Err(TokenError::Extension));
    assert!(verify(&verifier, &signed(HEADER, claims().to_string())).is_ok());
}

#[test]
fn set_is_not_used_after_its_end_cached_verifications_included() {
    let p256 = Issuer::p256();
    let verifier = verifier([]);
    verifier.replace_key_set(parse([p256.jwk("a")]).set, Some(later(DAY)));
    let token = p256.token("a");
    for _ in 0..2 {
        assert!(verifier.verify(&token, later(DAY - 1)).is_ok());
        let at_end = verifier.verify(&token, later(DAY));
        assert_eq!(at_end.err(), Some(TokenError::NoKeySet));
        let fresh = verifier.verify(&p256.token("b"), later(DAY));
        assert_eq!(fresh.err(), Some(TokenError::NoKeySet));
    }
    // The same text, fetched again, is used for longer.
    assert!(!verifier.replace_key_set(parse([p256.jwk("a")]).set, Some(later(2 * DAY))));
    assert!(verifier.verify(&token, later(DAY)).is_ok());
}

#[test]
fn replace_key_set_has_no_effect_on_a_verifier_of_one_key() {
    let secret = TrustedKey::from_secret(&HmacSecret::from(SECRET));
    let verifier = Verifier::new(secret, ExpectedClaims::default());
    assert!(!verifier.replace_key_set(parse([Issuer::p256().jwk("a")]).set, None));
    let token = Issuer::p256().token("a");
    assert_eq!(verify(&verifier, &token), Err(TokenError::Algorithm));
}

proptest! {
    /// Sets with any of four keys, one after the other: a token is accepted if and only if the current set has its key,
    /// although it was cached when an earlier set had the key.
    #[test]
    fn token_is_accepted_exactly_while_the_set_has_its_key(sets in prop::collection::vec(any::<[bool; 4]>(), 1..12)) {
        let issuers = [Issuer::p256(), Issuer::other_p256(), Issuer::rsa(), Issuer::ed25519()];
        let kids = ["a", "b", "c", "d"];
        let tokens: Vec<_> = issuers.iter().zip(kids).map(|(issuer, kid)| issuer.token(kid)).collect();
        let verifier = verifier([]);
        for present in sets {
            let keys = issuers.iter().zip(kids).zip(present).filter(|(_, present)| *present);
            verifier.replace_key_set(parse(keys.map(|((issuer, kid), _)| issuer.jwk(kid))).set, None);
            for _ in 0..2 {
                for (token, present) in tokens.iter().zip(present) {
                    prop_assert_eq!(verify(&verifier, token).is_ok(), present);
                }
            }
        }
    }
}
