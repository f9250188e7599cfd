//! `llavero member list`: the members of an organization, or the organizations of a user.
//!
//! A user without memberships is unknown to llavero, so that the list is empty and not an error.

use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use uuid::Uuid;

use super::MemberOut;
use crate::{
    cli::{
        Error,
        database::DatabaseArgs,
        organization,
        output::{
            self,
            Column::{Fixed, Wrapped},
            OutputArgs,
        },
        parse_arg,
    },
    model::{Member, Organization, UserId},
};

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    of: Of,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// The organization or the user whose memberships are listed.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// List the members of this organization, named by slug or id
    #[arg(long, value_name = "ORG", value_parser = NonEmptyStringValueParser::new())]
    org: Option<String>,

    /// List the organizations that this user is a member of
    #[arg(long, value_name = "USER", value_parser = parse_arg::<UserId>)]
    user: Option<UserId>,
}

impl List {
    pub(super) fn run(self) -> Result<(), Error> {
        match (self.of.user, self.of.org) {
            (Some(user), _) => {
                let memberships = self
                    .database
                    .with_store(async |store| Ok(store.memberships(user).await?))?;
                print_memberships(&self.output, &memberships)
            }
            (None, org) => {
                let org = org.unwrap_or_default();
                let members = self.database.with_store(async |store| {
                    let organization = organization::find(store, &org).await?;
                    Ok(store.members(organization.id).await?)
                })?;
                print_members(&self.output, &members)
            }
        }
    }
}

fn print_members(output: &OutputArgs, members: &[Member]) -> Result<(), Error> {
    output.print(
        || members.iter().map(MemberOut::from).collect::<Vec<_>>(),
        || {
            let row = |member: &Member| {
                [
                    output::text(member.user.as_str()),
                    output::text(member.role.as_str()),
                    output::day(member.created_at),
                ]
            };
            output::table(
                [Wrapped("USER"), Fixed("ROLE"), Fixed("SINCE")],
                members.iter().map(row).collect(),
            )
        },
    )
}

fn print_memberships(
    output: &OutputArgs,
    memberships: &[(Organization, Member)],
) -> Result<(), Error> {
    output.print(
        || {
            let memberships = memberships.iter().map(MembershipOut::from);
            memberships.collect::<Vec<_>>()
        },
        || {
            let row = |(organization, member): &(Organization, Member)| {
                [
                    output::text(organization.slug.as_str()),
                    output::text(organization.name.as_str()),
                    output::text(member.role.as_str()),
                    output::day(member.created_at),
                ]
            };
            output::table(
                [
                    Wrapped("SLUG"),
                    Wrapped("NAME"),
                    Fixed("ROLE"),
                    Fixed("SINCE"),
                ],
                memberships.iter().map(row).collect(),
            )
        },
    )
}

/// A user's membership as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MembershipOut<'a> {
    organization_id: Uuid,
    slug: &'a str,
    name: &'a str,
    role: &'static str,
    created_at: String,
}

impl<'a> From<&'a (Organization, Member)> for MembershipOut<'a> {
    fn from((organization, member): &'a (Organization, Member)) -> Self {
        Self {
            organization_id: organization.id.0,
            slug: organization.slug.as_str(),
            name: organization.name.as_str(),
            role: member.role.as_str(),
            created_at: member.created_at.to_string(),
        }
    }
}
