//! What it costs to read a request: its parameters, its scope, and everything an authorization request may ask.

use std::hint::black_box;

use super::ground::{Ground, ISSUER};
use criterion::Criterion;
use latchkey::{
    authorization::{
        request::{Context, Request},
        request_object::Objects,
    },
    clients::{ClientKeys, audience},
    config,
    outgoing::Outgoing,
    protocol::{
        ApplicationType, Params, RedirectUri, ResponseType, Scope, Timestamp,
        permission::{Pattern, ScopeToken, classify},
        pkce,
    },
};

const QUERY: &str = "response_type=code&client_id=wiki&redirect_uri=https%3A%2F%2Fwiki.example%2Fcallback\
    &scope=openid+profile+email+offline_access+org%3Aacme+kb%3Aread+kb%3Acreate&state=af0ifjsldkj&nonce=n-0S6_WzA2Mj\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SCOPE: &str = "openid profile email offline_access org:acme kb:read kb:create";

pub(crate) fn requests(criterion: &mut Criterion, ground: &Ground) {
    let mut group = criterion.benchmark_group("requests");

    group.bench_function("parameters", |b| b.iter(|| Params::parse(black_box(QUERY.as_bytes()))));

    let outgoing = Outgoing::open(&config::Outgoing::default()).expect("calls can be made");
    let keys = ClientKeys::new(outgoing.clone());
    group.bench_function("authorization request", |b| {
        b.iter(|| {
            let params = Params::parse(QUERY.as_bytes()).expect("the query is well-formed");
            let response_types = ResponseType::ALL;
            let (registry, pairwise_key) = (&ground.registry, &ground.keyring.pairwise_key());
            let objects = Objects {
                keys: &keys,
                keyring: &ground.keyring,
                outgoing: &outgoing,
                allow_unsigned: false,
                now: Timestamp(0),
            };
            let read_hint = &|_: &str| None;
            let context = Context { registry, issuer: ISSUER, response_types, read_hint, pairwise_key, objects };
            assert!(ground.runtime.block_on(Request::parse(context, params)).is_ok(), "the request is valid");
        });
    });

    group.bench_function("scope, parsed", |b| b.iter(|| Scope::parse(black_box(SCOPE))));
    let scope = Scope::parse(SCOPE).expect("the scope is well-formed");
    group.bench_function("scope, classified", |b| {
        b.iter(|| scope.filter(|token| classify(token) == ScopeToken::Protocol))
    });
    let resources = ground.runtime.block_on(ground.registry.resources()).expect("the database answers");
    let audience = audience::resolve(&scope, &[], &resources, ISSUER).expect("the scope tells one API");
    let role = [Pattern::parse("*:read").expect("a pattern"), Pattern::parse("*:create").expect("a pattern")];
    group.bench_function("scope, allowed by a role", |b| {
        b.iter(|| audience::allowed(&scope, &audience, &resources, Some(&role)));
    });

    let uri = RedirectUri::parse("https://wiki.example/callback", ApplicationType::Web).expect("a redirect URI");
    group.bench_function("redirect URI", |b| b.iter(|| uri.matches(black_box("https://wiki.example/callback"))));
    group.bench_function("PKCE verifier", |b| b.iter(|| pkce::is_verifier(black_box(VERIFIER))));
    group.finish();
}
