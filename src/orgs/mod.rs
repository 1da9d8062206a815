//! In whose name: organisations, their roles, and who has which (product decision 9).

mod membership;
mod org;
mod role;

pub use membership::{
    Member, Membership, activate_member, add_member, claims, listing, member, members, membership, memberships_of,
    remove_member, set_member_role, suspend_member,
};
pub use org::{NewOrg, Org, Slug, activate, create, delete, find, list, rename, suspend};
pub use role::{NewRole, Role, RoleChanges, create_role, delete_role, find_role, roles, update_role};
