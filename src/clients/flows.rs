//! Which ways to tokens a client registers: its grants and its response types, which have to fit together (RFC 7591 §2.1).

use super::{
    Metadata,
    metadata::{Settled, each_once, wrong},
};
use crate::protocol::{AuthMethod, GrantType, Refusal, ResponseType};

/// Who names only grants or only response types is given of the other what they need.
pub(super) fn set(metadata: &mut Metadata, grants: Option<Vec<GrantType>>, response_types: Option<Vec<ResponseType>>) {
    if let Some(grants) = grants {
        metadata.grant_types = each_once(grants);
    } else if let Some(response_types) = &response_types {
        let needed: Vec<GrantType> = response_types.iter().flat_map(|own| own.grants()).collect();
        let has_code = needed.contains(&GrantType::AuthorizationCode);
        let stays = |grant: &GrantType| match grant {
            GrantType::AuthorizationCode | GrantType::Implicit => false,
            GrantType::RefreshToken => has_code,
            GrantType::ClientCredentials => true,
        };
        let others = metadata.grant_types.iter().copied().filter(stays);
        metadata.grant_types = each_once(needed.iter().copied().chain(others));
    }
    let is_possible = |own: &ResponseType| own.grants().iter().all(|grant| metadata.grant_types.contains(grant));
    metadata.response_types = match response_types {
        Some(response_types) => each_once(response_types),
        None => {
            let mut stay = std::mem::take(&mut metadata.response_types);
            stay.retain(is_possible);
            if stay.is_empty() && is_possible(&ResponseType::Code) { vec![ResponseType::Code] } else { stay }
        }
    };
}

pub(super) fn grants(settled: &Settled) -> Result<(), Refusal> {
    let grants = &settled.metadata.grant_types;
    let is_public = settled.metadata.token_endpoint_auth_method == AuthMethod::None;
    // What asks only whether a user agrees exchanges nothing.
    if grants.is_empty() && !settled.metadata.response_types.contains(&ResponseType::None) {
        return Err(wrong("`grant_types` is empty, which only a client with the response type `none` can do with"));
    }
    if grants.contains(&GrantType::RefreshToken) && !grants.contains(&GrantType::AuthorizationCode) {
        return Err(wrong(
            "`grant_types` has refresh_token without authorization_code, and nothing else gives refresh tokens",
        ));
    }
    // RFC 6749 §4.4: "The client credentials grant type MUST only be used by confidential clients."
    if is_public && grants.contains(&GrantType::ClientCredentials) {
        return Err(wrong(
            "`grant_types` has client_credentials, which a public client has not (RFC 6749 section 4.4)",
        ));
    }
    Ok(())
}

pub(super) fn response_types(settled: &Settled) -> Result<(), Refusal> {
    let Metadata { response_types, grant_types, .. } = &settled.metadata;
    // RFC 7591 §2.1: what does not fit together is refused.
    for grant in [GrantType::AuthorizationCode, GrantType::Implicit] {
        let is_needed = response_types.iter().any(|own| own.grants().contains(&grant));
        if is_needed != grant_types.contains(&grant) {
            let with = ResponseType::ALL.iter().filter(|own| own.grants().contains(&grant));
            let with = with.map(|own| format!("`{own}`")).collect::<Vec<_>>().join(", ");
            return Err(wrong(format!("the grant {grant} and one of the response types {with} need each other")));
        }
    }
    Ok(())
}

pub(super) fn secretless(settled: &Settled) -> Result<(), Refusal> {
    let is_public = settled.metadata.token_endpoint_auth_method == AuthMethod::None;
    if is_public && !settled.require_pkce && !settled.may_lack_pkce {
        return Err(wrong(
            "a public client cannot do without PKCE: nothing else protects its codes (RFC 9700 section 2.1.1)",
        ));
    }
    Ok(())
}
