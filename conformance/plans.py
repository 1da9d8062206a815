"""The plans that can be run by name, and those that a run without names takes."""

from dataclasses import dataclass

IMPLICIT = ("id_token", "id_token token")
HYBRID = ("code id_token", "code token", "code id_token token")
STATIC = {"server_metadata": "discovery", "client_registration": "static_client"}
DYNAMIC = {"server_metadata": "discovery", "client_registration": "dynamic_client"}


@dataclass(frozen=True)
class Plan:
    """A plan of the suite with everything chosen that it lets one choose."""

    name: str
    suite_name: str
    variant: dict[str, str]
    # What clients that we register may ask for; one that registers itself says so.
    response_types: tuple[str, ...] = ("code",)
    registers_itself: bool = False

    @property
    def auth_method(self) -> str:
        """How the plan's clients prove themselves, but for those that are to try another way."""
        return self.variant.get("client_auth_type", "client_secret_basic")


def _plan(name: str, profile: str, variant: dict[str, str], response_types: tuple[str, ...] = ("code",)) -> Plan:
    dynamic = variant.get("client_registration") == "dynamic_client"
    return Plan(name, f"oidcc-{profile}-certification-test-plan", variant, response_types, dynamic)


def _core() -> list[Plan]:
    """The profiles of OpenID Connect Core, each with clients of both kinds, and with answers by form as well."""
    profiles = [("basic", ("code",)), ("implicit", IMPLICIT), ("hybrid", HYBRID)]
    return [
        _plan(f"{form}{profile}-{kind}", f"{form}{profile}", variant, response_types)
        for profile, response_types in profiles
        for form in ("", "formpost-")
        for kind, variant in (("static", STATIC), ("dynamic", DYNAMIC))
    ]


def _logout() -> list[Plan]:
    """Every way to sign out. A client that we register has no URI to be told at."""
    profiles = {
        "rp-initiated-logout": "rp-initiated-logout",
        "session-management": "session-management",
        "frontchannel-logout": "frontchannel-rp-initiated-logout",
        "backchannel-logout": "backchannel-rp-initiated-logout",
    }
    kinds = {"static": "static_client", "dynamic": "dynamic_client"}
    return [
        _plan(f"{name}-{kind}", profile, {"client_registration": registration, "response_type": "code"})
        for name, profile in profiles.items()
        for kind, registration in kinds.items()
        if kind == "dynamic" or name in ("rp-initiated-logout", "session-management")
    ]


def _registration() -> list[Plan]:
    """The plans that ask for registration itself."""
    return [
        Plan(
            f"{name}-{response_type.replace(' ', '-').replace('_', '-')}",
            f"oidcc-{name}-certification-test-plan",
            {"response_type": response_type},
            registers_itself=True,
        )
        for name in ("dynamic", "3rdparty-init-login")
        for response_type in ("code", "code id_token")
    ]


def _everything() -> list[Plan]:
    """
    All that the suite has for one response type, with clients that prove themselves in each way; this is nothing to be
    certified for. A client of the operator's without secret needs PKCE, which the suite does not do; and the suite cannot
    register one with a certificate.
    """
    secrets = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
    ways = [("code", "static", method) for method in (*secrets, "private_key_jwt", "mtls")]
    ways += [("code", "dynamic", method) for method in (*secrets, "private_key_jwt", "none")]
    ways.append(("code id_token", "dynamic", "private_key_jwt"))
    return [
        Plan(
            f"everything-{kind}-{method.replace('_', '-')}{'-hybrid' if response_type != 'code' else ''}",
            "oidcc-test-plan",
            {
                "response_type": response_type,
                "response_mode": "default",
                "client_auth_type": method,
                "client_registration": f"{kind}_client",
            },
            (response_type,),
            registers_itself=kind == "dynamic",
        )
        for response_type, kind, method in ways
    ]


PLANS = {
    plan.name: plan
    for plan in (_plan("config", "config", {}), *_core(), *_registration(), *_logout(), *_everything())
}

# What Latchkey claims: all of them.
CLAIMED = list(PLANS)
