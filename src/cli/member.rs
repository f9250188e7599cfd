//! `llavero member`: who belongs to an organization, and in which role.
//!
//! Users have no table of their own: a user is whatever the `sub` of a bearer token says. What is changed here
//! counts from a running server's next request on.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::{
    Error, Host, checked,
    database::DatabaseArgs,
    organization::OrganizationArgs,
    output::{
        self,
        Column::{Fixed, Wrapped},
        OutputArgs,
    },
};
use crate::model::{Member, MemberAdded, Role, UserId};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a user a member, or give a member another role.
    Add(Add),
    /// End a membership, from the next request on.
    Remove(Remove),
    /// List an organization's members.
    List(List),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The user: the `sub` of their bearer tokens
    #[arg(long, value_name = "USER", value_parser = checked::<UserId>)]
    user: UserId,

    /// What the user may do: owners and admins manage keys, members read. A new member is a `member` if nothing
    /// is said; who is a member already stays as they are
    #[arg(long, value_parser = role())]
    role: Option<Role>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The user
    #[arg(long, value_name = "USER", value_parser = checked::<UserId>)]
    user: UserId,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    organization: OrganizationArgs,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// The names are listed for the help, for errors and for completions.
fn role() -> impl TypedValueParser<Value = Role> {
    let names = [Role::Owner, Role::Admin, Role::Member].map(Role::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

impl Command {
    pub(super) fn run(self, host: &Host) -> Result<(), Error> {
        match self {
            Self::Add(args) => args.run(host),
            Self::Remove(args) => args.run(host),
            Self::List(args) => args.run(),
        }
    }
}

impl Add {
    fn run(self, host: &Host) -> Result<(), Error> {
        let (organization, added) = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            let now = host.clock.now();
            let added = store.add_member(organization.id, self.user, self.role, now);
            Ok((organization, added.await?))
        })?;
        self.output.print(
            || MemberOut::from(added.member()),
            || {
                let Member { user, role, .. } = added.member();
                let user = output::visible(user.as_str());
                let (role, slug) = (role.as_str(), organization.slug);
                match &added {
                    MemberAdded::Added(_) => format!("{user} is now {role} of {slug}\n"),
                    MemberAdded::RoleChanged { from, .. } => {
                        format!(
                            "{user} is now {role} of {slug}, no longer {}\n",
                            from.as_str()
                        )
                    }
                    MemberAdded::Unchanged(_) => format!("{user} is {role} of {slug} already\n"),
                }
            },
        )
    }
}

impl Remove {
    fn run(self, host: &Host) -> Result<(), Error> {
        let (organization, removed) = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            let now = host.clock.now();
            let removed = store.remove_member(organization.id, self.user.clone(), now);
            Ok((organization, removed.await?))
        })?;
        let slug = organization.slug;
        let removed = removed
            .ok_or_else(|| Error::negative(format!("{} is no member of {slug}", self.user)))?;
        self.output.print(
            || MemberOut::from(&removed),
            || {
                let user = output::visible(removed.user.as_str());
                format!("{user} is no longer {} of {slug}\n", removed.role.as_str())
            },
        )
    }
}

impl List {
    fn run(self) -> Result<(), Error> {
        let members = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            Ok(store.members(organization.id).await?)
        })?;
        self.output.print(
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
}

/// A member as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberOut<'a> {
    user_id: &'a str,
    role: &'static str,
    created_at: String,
}

impl<'a> From<&'a Member> for MemberOut<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            user_id: member.user.as_str(),
            role: member.role.as_str(),
            created_at: member.created_at.to_string(),
        }
    }
}
