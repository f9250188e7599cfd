//! The scopes of a key: what a service behind llavero lets the key do.
//!
//! llavero does not interpret them. A validation requires some, and each required scope must be among the key's, letter
//! for letter.

use std::collections::BTreeSet;

/// The scopes of a key, in alphabetical order and without duplicates. May be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The rule for scopes, to follow their field in an error message.
    pub const RULE: &str =
        "must be at most 50 strings of 1 to 64 letters, digits, `:`, `.`, `_`, `*` and `-`";

    const MAX_SCOPES: usize = 50;
    const MAX_LENGTH: usize = 64;

    /// Validates scopes.
    #[must_use]
    pub fn new(scopes: &[&str]) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":._*-".contains(&byte);
        let is_scope = |scope: &&str| {
            (1..=Self::MAX_LENGTH).contains(&scope.len()) && scope.bytes().all(allowed)
        };
        let valid = scopes.len() <= Self::MAX_SCOPES && scopes.iter().all(is_scope);
        valid.then(|| Self(scopes.iter().copied().map(str::to_owned).collect()))
    }

    /// Returns whether `scope` is one of them. Comparison is exact.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Returns the scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<String>) -> Result<Self, &'static str> {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        Self::new(&scopes).ok_or(Self::RULE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sorted_without_duplicates() {
        let scopes = Scopes::new(&["b:write", "a.read", "b:write", "*"]).unwrap();
        assert_eq!(
            scopes.iter().collect::<Vec<_>>(),
            ["*", "a.read", "b:write"]
        );
    }

    #[test]
    fn scope_has_1_to_64_characters_of_a_small_alphabet() {
        for scope in ["", &"x".repeat(65), "a b", "ñ", "a,b", "a/b"] {
            assert_eq!(Scopes::new(&[scope]), None, "{scope}");
        }
        assert!(Scopes::new(&[&"x".repeat(64)]).is_some());
        assert!(Scopes::new(&["s"; 50]).is_some());
        assert_eq!(Scopes::new(&["s"; 51]), None);
    }
}
