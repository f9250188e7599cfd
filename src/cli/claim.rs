//! The flag `--claim NAME=VALUE` of `llavero token`: a further claim of the token.
//!
//! VALUE is JSON, or else text, as in jwt-cli. A claim that another flag sets is rejected with the name of that flag, so that
//! a token has each claim once.

use serde_json::{Map, Value};

use super::Error;

/// The claims that `llavero token` sets itself, with the advice for each.
const OWN_CLAIMS: [(&str, &str); 6] = [
    ("sub", "set it with --user"),
    ("exp", "set it with --ttl"),
    ("aud", "set it with --audience"),
    ("iss", "set it with --issuer"),
    (
        "iat",
        "it is the time at which the token is signed: leave it out",
    ),
    ("nbf", "a token is valid from the start: leave it out"),
];

/// A claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    name: String,
    value: Value,
}

impl Claim {
    /// Parses an argument.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or("write NAME=VALUE, for instance role=editor")?;
        if let Some((_, advice)) = OWN_CLAIMS.iter().find(|(own, _)| *own == name) {
            return Err((*advice).to_owned());
        }
        let json = serde_json::from_str(value);
        Ok(Self {
            name: name.to_owned(),
            value: json.unwrap_or_else(|_| value.into()),
        })
    }
}

/// Collects claims in their order.
///
/// # Errors
/// If two claims have the same name.
pub(super) fn collect(claims: Vec<Claim>) -> Result<Map<String, Value>, Error> {
    let mut collected = Map::new();
    for Claim { name, value } in claims {
        if collected.contains_key(&name) {
            return Err(Error::usage(format!(
                "--claim {name} is given twice: leave one of them out"
            )));
        }
        collected.insert(name, value);
    }
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claim_is_json_or_else_text() {
        for (value, expected) in [
            ("editor", json!("editor")),
            ("", json!("")),
            ("a=b", json!("a=b")),
            ("true", json!(true)),
            ("null", json!(null)),
            ("7", json!(7)),
            ("007", json!("007")),
            ("1.5", json!(1.5)),
            (r#""7""#, json!("7")),
            (r#"["a","b"]"#, json!(["a", "b"])),
            (r#"{"plan":"pro"}"#, json!({"plan": "pro"})),
            (r#"{"plan":"#, json!(r#"{"plan":"#)),
            ("Acme Corp", json!("Acme Corp")),
        ] {
            let claim = Claim::parse(&format!("https://x.example/c={value}"));
            let name = "https://x.example/c".to_owned();
            assert_eq!(
                claim,
                Ok(Claim {
                    name,
                    value: expected
                }),
                "{value}"
            );
        }
    }

    #[test]
    fn claim_needs_a_name_that_no_flag_sets() {
        for (text, advice) in [
            ("", "write NAME=VALUE"),
            ("role", "write NAME=VALUE"),
            ("=editor", "write NAME=VALUE"),
            ("sub=ana", "--user"),
            ("exp=1", "--ttl"),
            ("aud=a", "--audience"),
            ("iss=i", "--issuer"),
            ("iat=1", "leave it out"),
            ("nbf=1", "leave it out"),
        ] {
            let error = Claim::parse(text).unwrap_err();
            assert!(error.contains(advice), "{text}: {error}");
        }
    }

    #[test]
    fn claims_have_different_names() {
        let claim = |text| Claim::parse(text).unwrap();
        let claims = collect(vec![claim("b=1"), claim("a=2")]).unwrap();
        assert_eq!(Value::from(claims).to_string(), r#"{"b":1,"a":2}"#);
        let error = collect(vec![claim("a=1"), claim("a=1")]).unwrap_err();
        assert!(error.to_string().contains("--claim a"), "{error}");
    }
}
