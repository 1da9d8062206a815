//! What operators have changed of a client that registered itself stays as they made it: else an app that was narrowed
//! would be as wide as before with its next `PUT` (RFC 7592 §2.2).

use serde_json::{Map, Value};

use super::{Client, Metadata, metadata::wrong};
use crate::protocol::{Refusal, Result};

/// Remember what an operator has changed of a client.
pub(super) fn remember(before: &Client, after: &mut Client) -> Result<()> {
    if !after.self_registered {
        return Ok(());
    }
    let (old, new) = (members(before)?, members(after)?);
    let own = &mut after.metadata.set_by_operator;
    for name in old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)) {
        if !own.contains(name) {
            own.push(name.clone());
        }
    }
    own.sort_unstable();
    Ok(())
}

/// What is left of a registration when the client puts something else in its place.
pub(super) fn what_stays(before: &Client) -> Result<Metadata> {
    let mut members = members(before)?;
    members.retain(|name, _| before.metadata.is_set_by_operator(name));
    let mut stays: Metadata = serde_json::from_value(Value::Object(members))?;
    stays.set_by_operator.clone_from(&before.metadata.set_by_operator);
    Ok(stays)
}

/// See that the client has put nothing else there.
pub(super) fn check(before: &Client, after: &Client) -> Result<()> {
    let (old, new) = (members(before)?, members(after)?);
    match before.metadata.set_by_operator.iter().find(|name| old.get(*name) != new.get(*name)) {
        Some(name) => Err(is_operators(name).into()),
        None => Ok(()),
    }
}

fn is_operators(name: &str) -> Refusal {
    wrong(format!("`{name}` was set by an operator of this server, and only they change it from now on"))
}

/// What can be changed of a client, by the names that it registers it under.
fn members(client: &Client) -> Result<Map<String, Value>> {
    let mut members = match serde_json::to_value(&client.metadata)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.remove("set_by_operator");
    members.insert(REQUIRE_PKCE.to_owned(), client.require_pkce.into());
    Ok(members)
}

/// It stands beside the metadata of a client, and is changed as they are.
pub(super) const REQUIRE_PKCE: &str = "require_pkce";
