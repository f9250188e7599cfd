//! What a token says (RFC 7519, section 4.1), and whether that holds now and here.
//!
//! Parsing is strict: a claim that is present has the type of the RFC, or the token is malformed; `null` is
//! not the same as absent, and a duplicated claim is malformed.

use serde::{Deserialize, Deserializer};

use super::TokenError;
use crate::model::{Timestamp, UserId};

/// Clocks of issuers differ a little, in seconds.
const LEEWAY: f64 = 30.0;

/// The end of the year 9999: no honest date lies beyond, and no arithmetic below overflows.
const LAST_DATE: f64 = 253_402_300_799.0;

/// What a token must say besides who it speaks for.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// `aud` must be or contain this.
    pub audience: Option<String>,
    /// `iss` must be this.
    pub issuer: Option<String>,
}

/// The registered claims that matter here; others are ignored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    sub: String,
    exp: f64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Audience>,
    #[serde(flatten)]
    _others: Others,
}

/// All other members. Flattened, it makes serde insist on a JSON object, where it would take an array, too.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Others {}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// For an optional field: if it is there, it has a value.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    claim: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(claim).map(Some)
}

impl Claims {
    /// The user this token speaks for, if it does so at `now`.
    pub(super) fn user(&self, now: Timestamp, expected: &Expected) -> Result<UserId, TokenError> {
        self.check_dates(now)?;
        self.check_origin(expected)?;
        UserId::new(self.sub.as_str()).ok_or(TokenError::Malformed)
    }

    fn check_dates(&self, now: Timestamp) -> Result<(), TokenError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds until the year 287396 fit"
        )]
        let now = now.as_millis() as f64 / 1000.0;
        if self.exp > LAST_DATE {
            return Err(TokenError::Malformed);
        }
        if now >= self.exp + LEEWAY {
            return Err(TokenError::Expired);
        }
        let early = |date: Option<f64>| date.is_some_and(|date| date > now + LEEWAY);
        if early(self.nbf) || early(self.iat) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    fn check_origin(&self, expected: &Expected) -> Result<(), TokenError> {
        if let Some(audience) = &expected.audience {
            let named = match &self.aud {
                None => false,
                Some(Audience::One(one)) => one == audience,
                Some(Audience::Many(many)) => many.contains(audience),
            };
            if !named {
                return Err(TokenError::Audience);
            }
        }
        if expected.issuer.is_some() && self.iss != expected.issuer {
            return Err(TokenError::Issuer);
        }
        Ok(())
    }
}
