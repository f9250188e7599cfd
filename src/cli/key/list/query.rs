//! The flags that select and sort the keys of `llavero key list`.
//!
//! They are the query parameters of the API's list in kebab case, with the same values.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::{
    cli::parse_arg,
    model::{
        Choice, Direction, FilterText, KeyFilter, KeyOrder, KeyQuery, KeySort, KeyStatus, KeyUsage,
        UserId,
    },
};

/// Which keys, in which order.
#[derive(Debug, clap::Args)]
pub(super) struct QueryArgs {
    /// Only keys with this status
    #[arg(long, value_name = "STATUS", value_parser = choice::<KeyStatus>())]
    status: Option<KeyStatus>,

    /// Only active keys without any use, active keys last used 30 days ago or more, or revoked keys that were used after
    /// their revocation
    #[arg(long, value_name = "USAGE", value_parser = choice::<KeyUsage>())]
    usage: Option<KeyUsage>,

    /// Only active and disabled keys that expire within so many days, 1 to 365
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=365))]
    expires_within_days: Option<u32>,

    /// Only keys created by this user
    #[arg(long, value_name = "USER", value_parser = parse_arg::<UserId>)]
    created_by: Option<UserId>,

    /// Only keys with this external id
    #[arg(long, value_name = "ID", value_parser = parse_arg::<FilterText>)]
    external_id: Option<FilterText>,

    /// Only keys whose name or description contains this text, ignoring the case of ASCII letters
    #[arg(long, value_name = "TEXT", value_parser = parse_arg::<FilterText>)]
    search: Option<FilterText>,

    /// The value to sort by; keys without the value come last [default: createdAt]
    #[arg(long, value_name = "VALUE", value_parser = choice::<KeySort>())]
    sort: Option<KeySort>,

    /// The direction: `asc` begins with the smallest or earliest value, `desc` with the greatest or latest
    /// [default: desc]
    #[arg(long, value_name = "DIRECTION", value_parser = choice::<Direction>())]
    order: Option<Direction>,
}

impl QueryArgs {
    pub(super) fn into_query(self) -> KeyQuery {
        KeyQuery {
            filter: KeyFilter {
                status: self.status,
                usage: self.usage,
                expires_within_days: self.expires_within_days,
                created_by: self.created_by,
                external_id: self.external_id,
                search: self.search,
            },
            order: KeyOrder {
                sort: self.sort.unwrap_or_default(),
                direction: self.order.unwrap_or_default(),
            },
        }
    }
}

/// Parses the name of a value; `--help` lists the names.
fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let names = T::ALL.iter().map(|value| value.name());
    PossibleValuesParser::new(names)
        .try_map(|name| T::from_name(&name).ok_or("not one of the values"))
}
