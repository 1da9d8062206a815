//! What the suite runs of OpenID Connect: its plans, the modules of each, and with which clients and answers.

use Registration::{Dynamic, Either, Static};
use ResponseMode::{Default, FormPost};

/// A plan's modules for some response types; a plan may have several such runs.
pub(super) struct Run {
    pub(super) plan: &'static str,
    pub(super) response_types: &'static [&'static str],
    pub(super) response_modes: &'static [ResponseMode],
    pub(super) registration: Registration,
    /// How the clients prove themselves; the first of these is what most are run with.
    pub(super) auths: &'static [&'static str],
    pub(super) modules: &'static [&'static [&'static str]],
}

/// How answers travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query where only a code is given, else in the fragment.
    Default,
    FormPost,
}

/// Who registers a plan's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    /// The operator.
    Static,
    /// They themselves.
    Dynamic,
    /// Whoever runs the plan may choose.
    Either,
}

/// What a module is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) response_type: &'static str,
    pub(super) response_mode: ResponseMode,
    /// Never [`Either`].
    pub(super) registration: Registration,
    pub(super) auth: &'static str,
}

impl Variant {
    /// Whether the authorization endpoint gives that much: `code`, `token` or `id_token`.
    pub(super) fn gives(&self, what: &str) -> bool {
        self.response_type.split(' ').any(|own| own == what)
    }
}

/// Everything a module is run with by some plan: every response type in every response mode. Where a plan leaves it open
/// who registers the clients, the two take turns; a code in the query is asked for by both.
pub(super) fn variants(module: &str) -> Vec<Variant> {
    let mut all: Vec<Variant> = Vec::new();
    for run in PLANS.iter().filter(|run| run.modules.iter().any(|list| list.contains(&module))) {
        for variant in run.variants(module) {
            // Another way to prove itself makes a difference to no module but one, as long as there is the same else.
            let is_the_same = |own: &Variant| match module {
                "oidcc-server" => *own == variant,
                _ => Variant { auth: variant.auth, ..*own } == variant,
            };
            if !all.iter().any(is_the_same) {
                all.push(variant);
            }
        }
    }
    all
}

impl Run {
    fn variants(&self, module: &str) -> Vec<Variant> {
        let mut all = Vec::new();
        for response_type in self.response_types.iter().filter(|own| !is_not_applicable(module, own)) {
            for response_mode in self.response_modes.iter().copied() {
                for auth in
                    self.auths.iter().copied().filter(|own| *own == self.auths[0] || response_type.contains("code"))
                {
                    let registrations = self.registrations(module, response_type, response_mode, auth).iter().copied();
                    all.extend(registrations.map(|registration| Variant {
                        response_type,
                        response_mode,
                        registration,
                        auth,
                    }));
                }
            }
        }
        all
    }

    fn registrations(
        &self,
        module: &str,
        response_type: &str,
        mode: ResponseMode,
        auth: &str,
    ) -> &'static [Registration] {
        match self.registration {
            Static => &[Static],
            Dynamic => &[Dynamic],
            Either if REGISTERED_BY_THEMSELVES.contains(&module) => &[Dynamic],
            // The operator registers no public client that does without PKCE.
            Either if auth == "none" => &[Dynamic],
            Either if mode == FormPost => &[Static],
            Either if response_type == "code" => &[Static, Dynamic],
            Either => &[Dynamic],
        }
    }
}

/// The suite leaves a module out of its comprehensive plan where it says nothing of that response type.
fn is_not_applicable(module: &str, response_type: &str) -> bool {
    let gives = |what: &str| response_type.split(' ').any(|own| own == what);
    match module {
        "oidcc-idtoken-unsigned" => gives("id_token"),
        "oidcc-ensure-request-without-nonce-succeeds-for-code-flow" => gives("id_token"),
        "oidcc-ensure-request-without-nonce-fails" => !gives("id_token"),
        "oidcc-userinfo-get" | "oidcc-userinfo-post-header" | "oidcc-userinfo-post-body" | "oidcc-userinfo-rs256" => {
            response_type == "id_token"
        }
        "oidcc-codereuse"
        | "oidcc-codereuse-30seconds"
        | "oidcc-refresh-token"
        | "oidcc-refresh-token-rp-key-rotation"
        | "oidcc-registration-jwks-uri" => !gives("code"),
        // A client that never comes to the token endpoint proves nothing there.
        "oidcc-ensure-client-assertion-with-iss-aud-succeeds" => !gives("code"),
        _ => false,
    }
}

/// Modules that the suite leaves out where the operator registers the clients.
const REGISTERED_BY_THEMSELVES: &[&str] = &[
    "oidcc-idtoken-signature",
    "oidcc-idtoken-rs256",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-rs256",
    "oidcc-ensure-redirect-uri-in-authorization-request",
    "oidcc-redirect-uri-query-OK",
    "oidcc-redirect-uri-query-mismatch",
    "oidcc-redirect-uri-regfrag",
    "oidcc-registration-logo-uri",
    "oidcc-registration-policy-uri",
    "oidcc-registration-tos-uri",
    "oidcc-registration-jwks-uri",
    "oidcc-registration-sector-uri",
    "oidcc-registration-sector-bad",
    "oidcc-refresh-token-rp-key-rotation",
    "oidcc-request-uri-unsigned",
    "oidcc-request-uri-signed-rs256",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
];

/// Every response type that OpenID Connect has.
pub(super) const RESPONSE_TYPES: &[&str] =
    &["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];

/// The plans for servers of OpenID Connect.
pub(super) const PLANS: &[Run] = &[
    core("oidcc-basic-certification-test-plan", &["code"], Default, &[FLOWS, CODES, BASIC]),
    core("oidcc-formpost-basic-certification-test-plan", &["code"], FormPost, &[FLOWS, CODES, BASIC]),
    core(
        "oidcc-implicit-certification-test-plan",
        &["id_token", "id_token token"],
        Default,
        &[FLOWS, IMPLICIT, &["oidcc-alternate-happy-flow"]],
    ),
    core("oidcc-implicit-certification-test-plan", &["id_token token"], Default, &[USERINFO, RESPONSE_TYPE]),
    core(
        "oidcc-formpost-implicit-certification-test-plan",
        &["id_token", "id_token token"],
        FormPost,
        &[FLOWS, IMPLICIT, &["oidcc-alternate-happy-flow"]],
    ),
    core("oidcc-formpost-implicit-certification-test-plan", &["id_token token"], FormPost, &[USERINFO, RESPONSE_TYPE]),
    core(
        "oidcc-hybrid-certification-test-plan",
        &["code id_token"],
        Default,
        &[FLOWS, CODES, USERINFO, RESPONSE_TYPE, IMPLICIT, ONCE_OF_HYBRID],
    ),
    core(
        "oidcc-hybrid-certification-test-plan",
        &["code token"],
        Default,
        &[FLOWS, CODES, USERINFO, REQUEST_OBJECTS, &["oidcc-ensure-request-without-nonce-succeeds-for-code-flow"]],
    ),
    core(
        "oidcc-hybrid-certification-test-plan",
        &["code id_token token"],
        Default,
        &[FLOWS, CODES, USERINFO, IMPLICIT],
    ),
    core(
        "oidcc-formpost-hybrid-certification-test-plan",
        &["code id_token"],
        FormPost,
        &[FLOWS, CODES, USERINFO, RESPONSE_TYPE, IMPLICIT, ONCE_OF_HYBRID],
    ),
    core(
        "oidcc-formpost-hybrid-certification-test-plan",
        &["code token"],
        FormPost,
        &[FLOWS, CODES, USERINFO, REQUEST_OBJECTS, &["oidcc-ensure-request-without-nonce-succeeds-for-code-flow"]],
    ),
    core(
        "oidcc-formpost-hybrid-certification-test-plan",
        &["code id_token token"],
        FormPost,
        &[FLOWS, CODES, USERINFO, IMPLICIT],
    ),
    Run {
        registration: Static,
        ..core(
            "oidcc-config-certification-test-plan",
            &["code"],
            Default,
            &[&["oidcc-discovery-endpoint-verification"]],
        )
    },
    Run {
        registration: Dynamic,
        auths: &["private_key_jwt"],
        ..core("oidcc-dynamic-certification-test-plan", RESPONSE_TYPES, Default, &[DYNAMIC])
    },
    Run {
        registration: Dynamic,
        ..core(
            "oidcc-3rdparty-init-login-certification-test-plan",
            RESPONSE_TYPES,
            Default,
            &[&["oidcc-3rd_party-init-login", "oidcc-3rd_party-init-login-nohttps"]],
        )
    },
    core(
        "oidcc-session-management-certification-test-plan",
        RESPONSE_TYPES,
        Default,
        &[&[
            "oidcc-session-management-discovery-endpoint-verification",
            "oidcc-session-management-rp-initiated-logout",
        ]],
    ),
    core(
        "oidcc-frontchannel-rp-initiated-logout-certification-test-plan",
        RESPONSE_TYPES,
        Default,
        &[&["oidcc-frontchannel-logout-discovery-endpoint-verification", "oidcc-frontchannel-rp-initiated-logout"]],
    ),
    core(
        "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
        RESPONSE_TYPES,
        Default,
        &[&["oidcc-backchannel-logout-discovery-endpoint-verification", "oidcc-backchannel-rp-initiated-logout"]],
    ),
    core("oidcc-rp-initiated-logout-certification-test-plan", RESPONSE_TYPES, Default, &[LOGOUT]),
    Run {
        response_modes: &[Default, FormPost],
        auths: &["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        ..core("oidcc-test-plan", RESPONSE_TYPES, Default, &[COMPREHENSIVE])
    },
];

/// How many modules each plan has for one who runs all of it, by the suite's own count.
pub(super) const COUNTS: &[(&str, usize)] = &[
    ("oidcc-basic-certification-test-plan", 38),
    ("oidcc-formpost-basic-certification-test-plan", 38),
    ("oidcc-implicit-certification-test-plan", 58),
    ("oidcc-formpost-implicit-certification-test-plan", 58),
    ("oidcc-hybrid-certification-test-plan", 102),
    ("oidcc-formpost-hybrid-certification-test-plan", 102),
    ("oidcc-config-certification-test-plan", 1),
    ("oidcc-dynamic-certification-test-plan", 23),
    ("oidcc-3rdparty-init-login-certification-test-plan", 2),
    ("oidcc-session-management-certification-test-plan", 2),
    ("oidcc-frontchannel-rp-initiated-logout-certification-test-plan", 2),
    ("oidcc-backchannel-rp-initiated-logout-certification-test-plan", 2),
    ("oidcc-rp-initiated-logout-certification-test-plan", 11),
    ("oidcc-test-plan", 55),
];

/// A run whose clients may be of both kinds, and have a secret.
const fn core(
    plan: &'static str,
    response_types: &'static [&'static str],
    mode: ResponseMode,
    modules: &'static [&'static [&'static str]],
) -> Run {
    let response_modes: &[ResponseMode] = match mode {
        Default => &[Default],
        FormPost => &[FormPost],
    };
    Run { plan, response_types, response_modes, registration: Either, auths: &["client_secret_basic"], modules }
}

/// In every plan of OpenID Connect Core.
const FLOWS: &[&str] = &[
    "oidcc-server",
    "oidcc-idtoken-signature",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-claims-essential",
];

/// Where the authorization endpoint gives a code.
const CODES: &[&str] =
    &["oidcc-codereuse", "oidcc-codereuse-30seconds", "oidcc-server-client-secret-post", "oidcc-refresh-token"];

const BASIC: &[&str] = &[
    "oidcc-response-type-missing",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-alternate-happy-flow",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
];

const RESPONSE_TYPE: &[&str] = &["oidcc-response-type-missing"];

const USERINFO: &[&str] = &["oidcc-userinfo-get", "oidcc-userinfo-post-header", "oidcc-userinfo-post-body"];

const REQUEST_OBJECTS: &[&str] = &[
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-ensure-request-object-with-redirect-uri",
];

/// Where the authorization endpoint gives an ID token.
const IMPLICIT: &[&str] = &[
    "oidcc-ensure-request-without-nonce-fails",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-ensure-request-object-with-redirect-uri",
];

const ONCE_OF_HYBRID: &[&str] = &["oidcc-alternate-happy-flow", "oidcc-ensure-request-with-valid-pkce-succeeds"];

const DYNAMIC: &[&str] = &[
    "oidcc-idtoken-rs256",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-rs256",
    "oidcc-ensure-redirect-uri-in-authorization-request",
    "oidcc-redirect-uri-query-OK",
    "oidcc-redirect-uri-query-mismatch",
    "oidcc-redirect-uri-query-added",
    "oidcc-redirect-uri-regfrag",
    "oidcc-discovery-endpoint-verification",
    "oidcc-server",
    "oidcc-registration-logo-uri",
    "oidcc-registration-policy-uri",
    "oidcc-registration-tos-uri",
    "oidcc-registration-jwks-uri",
    "oidcc-registration-sector-uri",
    "oidcc-registration-sector-bad",
    "oidcc-server-rotate-keys",
    "oidcc-refresh-token-rp-key-rotation",
    "oidcc-request-uri-unsigned",
    "oidcc-request-uri-signed-rs256",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-client-assertion-with-iss-aud-succeeds",
];

const LOGOUT: &[&str] = &[
    "oidcc-rp-initiated-logout-discovery-endpoint-verification",
    "oidcc-rp-initiated-logout",
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-modified-id-token-hint",
    "oidcc-rp-initiated-logout-no-id-token-hint",
    "oidcc-rp-initiated-logout-no-params",
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-no-state",
    "oidcc-rp-initiated-logout-only-state",
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-bad-id-token-hint",
];

const COMPREHENSIVE: &[&str] = &[
    "oidcc-discovery-endpoint-verification",
    "oidcc-registration-jwks-uri",
    "oidcc-registration-logo-uri",
    "oidcc-registration-policy-uri",
    "oidcc-registration-sector-uri",
    "oidcc-registration-tos-uri",
    "oidcc-server",
    "oidcc-refresh-token",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-idtoken-rs256",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-claims-essential",
    "oidcc-scope-address",
    "oidcc-scope-all",
    "oidcc-scope-email",
    "oidcc-scope-phone",
    "oidcc-scope-profile",
    "oidcc-alternate-happy-flow",
    "oidcc-prompt-login",
    "oidcc-prompt-none-logged-in",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-redirect-uri-query-OK",
    "oidcc-claims-locales",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-body",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-rs256",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-ui-locales",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-request-uri-unsigned",
    "oidcc-request-uri-signed-rs256",
    "oidcc-refresh-token-rp-key-rotation",
    "oidcc-server-rotate-keys",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
    "oidcc-ensure-client-assertion-with-iss-aud-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-redirect-uri-in-authorization-request",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-ensure-request-without-nonce-fails",
    "oidcc-redirect-uri-query-added",
    "oidcc-redirect-uri-query-mismatch",
    "oidcc-redirect-uri-regfrag",
    "oidcc-registration-sector-bad",
    "oidcc-response-type-missing",
];
