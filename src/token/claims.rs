//! Parses and checks the claims of a token (RFC 7519, section 4.1).
//!
//! Used by [`super::verify`]. Parsing is strict: a duplicate claim makes the token malformed, and each claim must have the
//! type of the RFC. `null` is a value of the wrong type.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::TokenError;
use crate::model::{Timestamp, UserId};

/// The tolerance for the clocks of issuers, in seconds.
const LEEWAY: f64 = 30.0;

/// The latest accepted date, the end of the year 9999. The bound prevents an overflow.
const MAX_DATE: f64 = 253_402_300_799.0;

/// The configured values of `aud` and `iss`.
#[derive(Debug, Clone, Default)]
pub struct ExpectedClaims {
    /// `aud` must be or contain this value.
    pub audience: Option<String>,
    /// `iss` must be this value.
    pub issuer: Option<String>,
}

/// The registered claims that llavero checks. Other claims are ignored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    sub: Claim<String>,
    #[serde(default)]
    exp: Claim<f64>,
    #[serde(default)]
    nbf: Claim<f64>,
    #[serde(default)]
    iat: Claim<f64>,
    #[serde(default)]
    iss: Claim<String>,
    #[serde(default)]
    aud: Claim<Audience>,
    #[serde(flatten)]
    _others: Others,
}

/// A claim. A value of the wrong type, including `null`, is not a parse error, so that the error can name the claim.
#[derive(Debug, Clone, Default)]
enum Claim<T> {
    #[default]
    Absent,
    WrongType,
    Valid(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Claim<T> {
    fn deserialize<D: Deserializer<'de>>(claim: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(claim)?;
        Ok(T::deserialize(value).map_or(Self::WrongType, Self::Valid))
    }
}

/// All other members. Flattening this struct makes serde require a JSON object; otherwise it would also accept an array.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Others {}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

impl Claims {
    /// Returns the user of the token if its claims are valid at `now`. Checks the claims in the order of [`TokenError`].
    pub(super) fn user(
        &self,
        now: Timestamp,
        expected: &ExpectedClaims,
    ) -> Result<UserId, TokenError> {
        self.check_dates(now)?;
        let user = match &self.sub {
            Claim::Valid(sub) => UserId::new(sub.as_str()),
            Claim::Absent | Claim::WrongType => None,
        };
        let user = user.ok_or(TokenError::Subject)?;
        self.check_audience(expected.audience.as_deref())?;
        self.check_issuer(expected.issuer.as_deref())?;
        Ok(user)
    }

    /// Returns `exp`, truncated to milliseconds; `None` if it is not a date.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        match self.exp {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, and a date before 1970 has expired"
            )]
            Claim::Valid(exp) => Some(Timestamp::from_millis((exp * 1000.0) as i64)),
            Claim::Absent | Claim::WrongType => None,
        }
    }

    fn check_dates(&self, now: Timestamp) -> Result<(), TokenError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds until the year 287396 fit"
        )]
        let now = now.as_millis() as f64 / 1000.0;
        match self.exp {
            Claim::Valid(exp) if exp > MAX_DATE => return Err(TokenError::Expiry),
            Claim::Valid(exp) if now >= exp + LEEWAY => return Err(TokenError::Expired),
            Claim::Valid(_) => {}
            Claim::Absent | Claim::WrongType => return Err(TokenError::Expiry),
        }
        let is_past = |date: &Claim<f64>| match date {
            Claim::Absent => true,
            Claim::WrongType => false,
            Claim::Valid(date) => *date <= now + LEEWAY,
        };
        if is_past(&self.nbf) && is_past(&self.iat) {
            Ok(())
        } else {
            Err(TokenError::NotYetValid)
        }
    }

    fn check_audience(&self, expected: Option<&str>) -> Result<(), TokenError> {
        let holds = match (&self.aud, expected) {
            (Claim::WrongType, _) | (Claim::Absent, Some(_)) => false,
            (Claim::Valid(audience), Some(expected)) => audience.contains(expected),
            (Claim::Absent | Claim::Valid(_), None) => true,
        };
        holds.then_some(()).ok_or(TokenError::Audience)
    }

    fn check_issuer(&self, expected: Option<&str>) -> Result<(), TokenError> {
        let holds = match (&self.iss, expected) {
            (Claim::WrongType, _) | (Claim::Absent, Some(_)) => false,
            (Claim::Valid(issuer), Some(expected)) => issuer == expected,
            (Claim::Absent | Claim::Valid(_), None) => true,
        };
        holds.then_some(()).ok_or(TokenError::Issuer)
    }
}
