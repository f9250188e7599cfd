//! `llavero member`: adds, removes and lists the members of an organization.
//!
//! Users have no table of their own: a user id is the `sub` claim of a bearer token. A running server honours a change
//! from its next request.

mod list;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use self::list::List;
use super::{
    Error, System, database::DatabaseArgs, escape::escape_text, organization::OrganizationArgs,
    output::OutputArgs, parse_arg,
};
use crate::model::{AddMemberOutcome, Member, RemoveMemberOutcome, Role, Slug, UserId};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a user to an organization, or change a member's role.
    Add(Add),
    /// Remove a member. Takes effect with the next request. The keys that the member created stay.
    Remove(Remove),
    /// List the members of an organization, or the organizations of a user.
    List(List),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The user's id: the `sub` claim of the user's bearer tokens
    #[arg(long, value_name = "USER", value_parser = parse_arg::<UserId>)]
    user: UserId,

    /// The role: owners and admins manage keys, members read [default: the current role; `member` for a new member]
    #[arg(long, value_parser = role())]
    role: Option<Role>,

    /// Change the role even of the last owner
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The user's id
    #[arg(long, value_name = "USER", value_parser = parse_arg::<UserId>)]
    user: UserId,

    /// Remove even the last owner
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// Parses a role. Lists the roles in the help, in errors and in completions.
fn role() -> impl TypedValueParser<Value = Role> {
    let names = [Role::Owner, Role::Admin, Role::Member].map(Role::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

impl Command {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        match self {
            Self::Add(args) => args.run(system),
            Self::Remove(args) => args.run(system),
            Self::List(args) => args.run(),
        }
    }
}

impl Add {
    fn run(self, system: &System) -> Result<(), Error> {
        let (organization, added) = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            let now = system.clock.now();
            let added = store.add_member(organization.id, self.user, self.role, now, self.force);
            Ok((organization, added.await?))
        })?;
        if let AddMemberOutcome::LastOwner(member) = &added {
            return Err(last_owner(&member.user, &organization.slug));
        }
        self.output.print(
            || MemberOut::from(added.member()),
            || {
                let Member { user, role, .. } = added.member();
                let user = escape_text(user.as_str());
                let (role, slug) = (role.as_str(), organization.slug);
                match &added {
                    AddMemberOutcome::Added(_) => format!("{user} is now {role} of {slug}\n"),
                    AddMemberOutcome::RoleChanged { from, .. } => {
                        format!(
                            "{user} is now {role} of {slug}, no longer {}\n",
                            from.as_str()
                        )
                    }
                    AddMemberOutcome::Unchanged(_) | AddMemberOutcome::LastOwner(_) => {
                        format!("{user} is already {role} of {slug}\n")
                    }
                }
            },
        )
    }
}

impl Remove {
    fn run(self, system: &System) -> Result<(), Error> {
        let Self { user, force, .. } = self;
        let (slug, outcome, active_keys) = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            let (id, now) = (organization.id, system.clock.now());
            let outcome = store.remove_member(id, user.clone(), now, force).await?;
            let active_keys = store.active_keys_created_by(id, user.clone(), now);
            Ok((organization.slug, outcome, active_keys.await?))
        })?;
        let member = match outcome {
            RemoveMemberOutcome::Removed(member) => member,
            RemoveMemberOutcome::LastOwner => return Err(last_owner(&user, &slug)),
            RemoveMemberOutcome::NotAMember => {
                return Err(Error::failed(format!("{user} is not a member of {slug}")));
            }
        };
        self.output.print(
            || RemovedMemberOut {
                member: MemberOut::from(&member),
                active_keys_created: active_keys,
            },
            || {
                let user = escape_text(user.as_str());
                let role = member.role.as_str();
                let keys = match active_keys {
                    0 => format!("0 active keys were created by {user}"),
                    1 => format!("1 active key was created by {user} and stays active"),
                    keys => format!("{keys} active keys were created by {user} and stay active"),
                };
                format!("{user} is no longer {role} of {slug}\n{keys}\n")
            },
        )
    }
}

fn last_owner(user: &UserId, slug: &Slug) -> Error {
    Error::failed(format!(
        "{user} is the last owner of {slug}: make another member owner first, or add --force to leave it without an owner"
    ))
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

/// A removed member as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedMemberOut<'a> {
    #[serde(flatten)]
    member: MemberOut<'a>,
    /// The number of active keys that the member created.
    active_keys_created: i64,
}
