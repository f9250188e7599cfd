//! The claims of bearer tokens: `sub`, `exp`, `nbf`, `iss`, `aud`.

use llavero::{
    fixtures::Fixtures,
    model::Timestamp,
    token::{ExpectedClaims, HmacSecret, TrustedKey, Verifier},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EXP, HEADER, claims, is_accepted, signed, token_with};
use crate::support::{ACME, ANA, NOW, PRODUCTION, SECRET, TestApp, key_path};

/// The end of the year 9999.
const LAST_DATE: i64 = 253_402_300_799;

fn trusted() -> TrustedKey {
    TrustedKey::from_secret(&HmacSecret::from(SECRET))
}

/// A server that expects an audience, an issuer, or both.
async fn app_expecting(audience: Option<&str>, issuer: Option<&str>) -> TestApp {
    let expected = ExpectedClaims {
        audience: audience.map(str::to_owned),
        issuer: issuer.map(str::to_owned),
    };
    let seed = Fixtures::load().unwrap().seed(NOW);
    TestApp::trusting(trusted(), expected, seed).await
}

#[tokio::test]
async fn token_expires_30_seconds_after_exp() {
    let app = TestApp::demo().await;
    let token = token_with("exp", Some(json!(EXP)));
    for (millis, accepted) in [
        (-3_600_000, true),
        (-1, true),
        (0, true),
        (1, true),
        (29_999, true),
        (30_000, false),
        (30_001, false),
        (31_000, false),
        (86_400_000, false),
        (29_999, true),
    ] {
        app.set_clock(Timestamp::from_millis(EXP * 1000 + millis));
        assert_eq!(
            is_accepted(&app, &token).await,
            accepted,
            "{millis} ms after"
        );
    }
}

#[tokio::test]
async fn token_requires_a_numeric_exp() {
    let app = TestApp::demo().await;
    let now = NOW.as_secs();
    for (exp, accepted) in [
        (json!(now), true),
        (json!(now - 29), true),
        (json!(now - 30), false),
        (json!(now - 31), false),
        (json!(format!("{EXP}")), false),
        (json!([EXP]), false),
        (json!({ "seconds": EXP }), false),
        (json!(true), false),
        (json!("never"), false),
        (json!(0), false),
        (json!(-1), false),
        (json!(i64::MIN), false),
        (json!(i64::MAX), false),
        (json!(u64::MAX), false),
        (json!(LAST_DATE), true),
        (json!(LAST_DATE + 1), false),
        (json!(EXP * 1000), false),
        (json!(1e10), true),
        (json!(1e300), false),
        (json!(-1e300), false),
        (json!(f64::MAX), false),
        (json!(f64::MIN_POSITIVE), false),
        (json!(-0.0), false),
        (Value::Null, false),
    ] {
        let token = token_with("exp", Some(exp.clone()));
        assert_eq!(is_accepted(&app, &token).await, accepted, "{exp}");
    }
    // As text, for what the JSON library would not write.
    for (exp, accepted) in [
        ("1768478370.001", true),
        ("1768478370.000", false),
        ("1768482000.5", true),
        ("1.768482e9", true),
        ("1768482000E0", true),
        ("1e400", false),
        ("1e99999999999", false),
        ("99999999999999999999999999", false),
        ("+1768482000", false),
        ("01768482000", false),
        ("0x7fffffff", false),
        ("Infinity", false),
        ("NaN", false),
    ] {
        let token = signed(HEADER, format!(r#"{{"sub":"{ANA}","exp":{exp}}}"#));
        assert_eq!(is_accepted(&app, &token).await, accepted, "{exp}");
    }
    assert!(!is_accepted(&app, &token_with("exp", None)).await);
}

#[tokio::test]
async fn token_is_rejected_before_nbf() {
    let app = TestApp::demo().await;
    let now = NOW.as_secs();
    for claim in ["nbf", "iat"] {
        for (date, accepted) in [
            (None, true),
            (Some(json!(now)), true),
            (Some(json!(now + 30)), true),
            (Some(json!(1_768_478_430.001)), false),
            (Some(json!(now + 31)), false),
            (Some(json!(now - 86_400)), true),
            (Some(json!(0)), true),
            (Some(json!(-1)), true),
            (Some(json!(-1e300)), true),
            (Some(json!(1.5)), true),
            (Some(json!(1e300)), false),
            (Some(json!(i64::MAX)), false),
            (Some(json!(now * 1000)), false),
            (Some(json!(now.to_string())), false),
            (Some(json!([now])), false),
            (Some(json!({})), false),
            (Some(json!(false)), false),
            (Some(Value::Null), false),
        ] {
            let token = token_with(claim, date.clone());
            assert_eq!(
                is_accepted(&app, &token).await,
                accepted,
                "{claim}: {date:?}"
            );
        }
        let token = token_with(claim, Some(json!(now + 100)));
        for (millis, accepted) in [(69_999, false), (70_000, true), (100_000, true)] {
            app.set_clock(Timestamp::from_millis(NOW.as_millis() + millis));
            assert_eq!(
                is_accepted(&app, &token).await,
                accepted,
                "{claim}: {millis}"
            );
        }
        app.set_clock(NOW);
    }
}

#[tokio::test]
async fn token_aud_must_contain_the_expected_audience() {
    let strict = app_expecting(Some("llavero"), None).await;
    let lax = TestApp::demo().await;
    for (aud, for_strict, for_lax) in [
        (Some(json!("llavero")), true, true),
        (Some(json!(["llavero"])), true, true),
        (Some(json!(["other", "llavero"])), true, true),
        (Some(json!(["llavero", "llavero"])), true, true),
        (None, false, true),
        (Some(json!("other")), false, true),
        (Some(json!("")), false, true),
        (Some(json!("Llavero")), false, true),
        (Some(json!("llavero ")), false, true),
        (Some(json!("llavero other")), false, true),
        (Some(json!("llaver")), false, true),
        (Some(json!([])), false, true),
        (Some(json!([""])), false, true),
        (Some(json!(["other"])), false, true),
        (Some(json!(["llavero", 1])), false, false),
        (Some(json!(["llavero", null])), false, false),
        (Some(json!([["llavero"]])), false, false),
        (Some(json!({ "llavero": true })), false, false),
        (Some(json!({ "One": "llavero" })), false, false),
        (Some(json!(1)), false, false),
        (Some(json!(true)), false, false),
        (Some(Value::Null), false, false),
    ] {
        let token = token_with("aud", aud.clone());
        assert_eq!(
            is_accepted(&strict, &token).await,
            for_strict,
            "expected: {aud:?}"
        );
        assert_eq!(
            is_accepted(&lax, &token).await,
            for_lax,
            "not expected: {aud:?}"
        );
    }
}

#[tokio::test]
async fn token_iss_must_be_the_expected_issuer() {
    const ISSUER: &str = "https://id.example.com/auth/v1";
    let strict = app_expecting(None, Some(ISSUER)).await;
    let lax = TestApp::demo().await;
    for (iss, for_strict, for_lax) in [
        (Some(json!(ISSUER)), true, true),
        (None, false, true),
        (Some(json!("")), false, true),
        (Some(json!("https://id.example.com/auth/v1/")), false, true),
        (Some(json!("HTTPS://id.example.com/auth/v1")), false, true),
        (
            Some(json!("https://id.example.com.evil.test/auth/v1")),
            false,
            true,
        ),
        (Some(json!([ISSUER])), false, false),
        (Some(json!({ "iss": ISSUER })), false, false),
        (Some(json!(1)), false, false),
        (Some(Value::Null), false, false),
    ] {
        let token = token_with("iss", iss.clone());
        assert_eq!(
            is_accepted(&strict, &token).await,
            for_strict,
            "expected: {iss:?}"
        );
        assert_eq!(
            is_accepted(&lax, &token).await,
            for_lax,
            "not expected: {iss:?}"
        );
    }
    let both = app_expecting(Some("llavero"), Some(ISSUER)).await;
    let mut said = claims();
    said["iss"] = json!(ISSUER);
    assert!(!is_accepted(&both, &signed(HEADER, said.to_string())).await);
    said["aud"] = json!("llavero");
    assert!(is_accepted(&both, &signed(HEADER, said.to_string())).await);
}

#[tokio::test]
async fn token_requires_a_sub() {
    let app = TestApp::demo().await;
    for sub in [
        None,
        Some(json!("")),
        Some(json!(1)),
        Some(json!(1.5)),
        Some(json!(true)),
        Some(json!([ANA])),
        Some(json!({ "id": ANA })),
        Some(Value::Null),
    ] {
        assert!(
            !is_accepted(&app, &token_with("sub", sub.clone())).await,
            "{sub:?}"
        );
    }
    // A user without memberships is authenticated.
    for sub in [
        " ",
        "auth0|1",
        "a\0b",
        &ANA[1..],
        &format!("{ANA}\0"),
        &format!("{ANA} "),
        "' OR 1=1 --",
        &"s".repeat(4096),
    ] {
        let token = token_with("sub", Some(json!(sub)));
        let answer = app
            .get_with_token(&token, &key_path(ACME, PRODUCTION))
            .await;
        assert_eq!(answer.status(), 403, "{sub}");
    }
}

#[tokio::test]
async fn token_of_a_supabase_user_is_accepted_and_its_project_keys_are_not() {
    let app = TestApp::demo().await;
    let iat = NOW.as_secs() - 60;
    let exp = EXP + 10 * 365 * 86_400;
    let user = json!({
        "iss": "https://abcdefghijklmnopqrst.supabase.co/auth/v1", "sub": ANA, "aud": "authenticated",
        "exp": EXP, "iat": iat, "email": "ana@example.com", "phone": "",
        "app_metadata": { "provider": "email", "providers": ["email"] }, "user_metadata": { "name": null },
        "role": "authenticated", "aal": "aal1", "amr": [{ "method": "password", "timestamp": iat }],
        "session_id": "f3c9bb05-2f5a-4a42-9d1e-6a5d3c1f6f10", "is_anonymous": false,
    });
    assert!(is_accepted(&app, &signed(HEADER, user.to_string())).await);
    for role in ["anon", "service_role"] {
        for payload in [
            json!({ "iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": role, "iat": iat, "exp": exp }),
            json!({ "role": role, "iss": "supabase-demo", "iat": 1_641_769_200, "exp": 1_799_535_600 }),
            json!({ "role": role, "iss": "supabase", "iat": iat, "exp": exp, "sub": "" }),
            json!({ "role": role, "iss": "supabase", "iat": iat, "exp": exp, "sub": null }),
        ] {
            assert!(
                !is_accepted(&app, &signed(HEADER, payload.to_string())).await,
                "{payload}"
            );
        }
    }
}

#[tokio::test]
async fn token_with_a_duplicate_claim_is_rejected() {
    let app = TestApp::demo().await;
    let honest = format!(r#""sub":"{ANA}","exp":{EXP}"#);
    for (more, accepted) in [
        (r#","role":"a","role":"b""#.to_owned(), true),
        (format!(r#","sub":"{ANA}""#), false),
        (format!(r#","\u0073ub":"{ANA}""#), false),
        (r#","sub":"somebody else""#.to_owned(), false),
        (format!(r#","exp":{EXP}"#), false),
        (r#","exp":0"#.to_owned(), false),
        (r#","nbf":0,"nbf":0"#.to_owned(), false),
        (r#","iat":0,"iat":99999999999"#.to_owned(), false),
        (r#","aud":"a","aud":["b"]"#.to_owned(), false),
        (r#","iss":"a","iss":"b""#.to_owned(), false),
    ] {
        let token = signed(HEADER, format!("{{{honest}{more}}}"));
        assert_eq!(is_accepted(&app, &token).await, accepted, "{more}");
    }
}

#[tokio::test]
async fn token_claims_must_be_one_json_object() {
    let app = TestApp::demo().await;
    let honest = claims().to_string();
    for (payload, accepted) in [
        (format!(" \n\t{honest}\r\n "), true),
        (honest.replace("sub", r"\u0073ub"), true),
        (honest.replace("sub", "SUB"), false),
        (format!("{honest}{honest}"), false),
        (format!("{honest}\0"), false),
        (format!("\u{feff}{honest}"), false),
        (format!("[{honest}]"), false),
        (format!(r#"["{ANA}",{EXP}]"#), false),
        (format!(r#"["{ANA}",{EXP},0,0,"issuer"]"#), false),
        (format!(r#"["{ANA}",{EXP},0,0,"issuer","audience"]"#), false),
        (json!(honest).to_string(), false),
        (honest.replace('"', "'"), false),
        (honest[..honest.len() - 1].to_owned(), false),
        (honest.replace('}', ",}"), false),
        ("{}".to_owned(), false),
        ("null".to_owned(), false),
        (ANA.to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(
            is_accepted(&app, &signed(HEADER, &payload)).await,
            accepted,
            "{payload}"
        );
    }
    let not_utf8 = b"{\"sub\":\"Jos\xe9\",\"exp\":1768482000}";
    assert!(!is_accepted(&app, &signed(HEADER, not_utf8)).await);
}

/// The rule: 30 seconds of leeway, and no date beyond the year 9999.
fn good_at_now(exp: f64) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "whole seconds of this era are exact"
    )]
    let (now, last) = (NOW.as_secs() as f64, LAST_DATE as f64);
    now - 30.0 < exp && exp <= last
}

proptest! {
    #[test]
    fn token_exp_of_any_size_follows_the_rule(
        whole: i64,
        real in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        millis in -60_000..60_000_i64,
    ) {
        let verifier = Verifier::new(trusted(), ExpectedClaims::default());
        let near = NOW.as_millis() + millis;
        let near = format!("{}.{:03}", near / 1000, near % 1000);
        #[expect(clippy::cast_precision_loss, reason = "as any JSON reader does")]
        for (text, exp) in [
            (whole.to_string(), whole as f64),
            (json!(real).to_string(), real),
            (near.clone(), near.parse::<f64>().unwrap()),
        ] {
            let token = signed(HEADER, format!(r#"{{"sub":"{ANA}","exp":{text}}}"#));
            prop_assert_eq!(verifier.verify(&token, NOW).is_ok(), good_at_now(exp), "{}", text);
        }
    }
}
