"""What the suite is told: the server, the clients, and what its browser does on which page."""

from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class User:
    """Somebody who signs in."""

    username: str
    password: str


@dataclass(frozen=True)
class Client:
    """A client that was registered before the plan began: with a secret, with keys or with a certificate of its own."""

    client_id: str
    client_secret: str | None = None
    jwks: Json | None = None
    # Told beside the client, not in it.
    tls: Json | None = None


def configuration(issuer: str, suite_url: str, user: User, clients: dict[str, Client], alias: str | None) -> Json:
    """
    A plan's configuration. Clients go by the suite's names for them; one without any has the suite register its own.
    With an alias the suite's URLs are known before the plan begins.
    """
    told: Json = {
        "description": "Latchkey",
        "server": {"discoveryUrl": f"{issuer}/.well-known/openid-configuration"},
        "client": {"client_name": "First app"},
        "client2": {"client_name": "Second app"},
        # Colours and sizes are nothing to the suite, and its browser needs long for them.
        "options": {"browsercontrol_css_enable": False},
    }
    for name, client in clients.items():
        members = asdict(client)
        if tls := members.pop("tls"):
            told[name.replace("client", "mtls")] = tls
        told[name] = {member: value for member, value in members.items() if value is not None}
    if alias is not None:
        told["alias"] = alias
    pages = _Pages(issuer, suite_url, user)
    told["browser"] = [pages.signs_in(), pages.signs_out(), WATCHES_THE_SESSION]
    told["override"] = {module: {"browser": browser} for module, browser in _overrides(pages).items()}
    return told


# The suite's own page watches the session in a frame, and goes on by itself.
WATCHES_THE_SESSION = {
    "match": "*session_verify*",
    "tasks": [{"task": "Watch the session", "commands": [["wait", "contains", "session_result", 20]]}],
}


class _Pages:
    """What is done on the pages, in the words of the suite's configuration."""

    def __init__(self, issuer: str, suite_url: str, user: User) -> None:
        self.issuer = issuer
        self.suite_url = suite_url
        self.user = user

    def signs_in(self, photographed: bool = False) -> Json:
        """Signs in and allows, as far as asked; `photographed` keeps the sign-in page, where the module wants it."""
        look = [["wait", "xpath", "//h1", 10, "^Sign in$", "update-image-placeholder-optional"]] if photographed else []
        fill = [
            ["text", "name", "username", self.user.username],
            ["text", "name", "password", self.user.password],
            ["click", "id", "login-submit"],
        ]
        allow = [["click", "id", "consent-allow"]]
        complete = [["wait", "id", "submission_complete", 10]]
        return self._visit("/authorize", [
            {"task": "Sign in", "optional": True, "match": f"{self.issuer}/login*", "commands": look + fill},
            {"task": "Allow", "optional": True, "match": f"{self.issuer}/consent*", "commands": allow},
            {"task": "Be back", "match": f"{self.suite_url}/test/*/callback*", "commands": complete},
        ])

    def signs_in_or_is_refused(self) -> Json:
        """Signs in, or is told that something is wrong, whichever the server does: the module takes both."""
        refused = _reads("Authorization error", f"{self.issuer}/authorize*")
        entry = self.signs_in()
        return {**entry, "tasks": [{**task, "optional": True} for task in [refused, *entry["tasks"]]]}

    def signs_out(self) -> Json:
        """Signs out, and is sent back to the app."""
        back = {"task": "Be back", "commands": [["wait", "contains", "/post_logout_redirect", 10]]}
        return self._visit("/logout", [self._confirms(), back])

    def stays_signed_out(self) -> Json:
        """Signs out where no app waits, and reads so."""
        return self._visit("/logout", [self._confirms(), _reads("You are signed out", f"{self.issuer}/logout/done*")])

    def refuses(self, path: str, title: str) -> Json:
        """Is told at once, on that very address, that something is wrong."""
        return self._visit(path, [_reads(title, f"{self.issuer}{path}*")])

    def shows_sign_in(self) -> Json:
        """Looks at the sign-in page, and leaves it at that."""
        return self._visit("/authorize", [_reads("Sign in", f"{self.issuer}/login*")])

    def _confirms(self) -> Json:
        # An app that shows whose ID token it has is not asked.
        click = ["click", "id", "logout-confirm", "optional"]
        return {"task": "Confirm", "optional": True, "match": f"{self.issuer}/logout*", "commands": [click]}

    def _visit(self, path: str, tasks: list[Json]) -> Json:
        return {"match": f"{self.issuer}{path}*", "tasks": tasks}


def _reads(title: str, match: str) -> Json:
    look = ["wait", "xpath", "//h1", 10, f"^{title}$", "update-image-placeholder"]
    return {"task": f"Read “{title}”", "match": match, "commands": [look]}


def _overrides(pages: _Pages) -> dict[str, list[Json]]:
    """The modules in which the browser sees something else than a sign-in that works."""
    refused = pages.refuses("/authorize", "Authorization error")
    not_signed_out = [pages.signs_in(), pages.refuses("/logout", "Sign-out error")]
    told_here = [pages.signs_in(), pages.stays_signed_out()]
    return {
        "oidcc-prompt-login": [pages.signs_in(photographed=True)],
        "oidcc-max-age-1": [pages.signs_in(photographed=True)],
        "oidcc-ensure-registered-redirect-uri": [refused],
        "oidcc-ensure-redirect-uri-in-authorization-request": [refused],
        "oidcc-redirect-uri-query-added": [refused],
        "oidcc-redirect-uri-query-mismatch": [refused],
        "oidcc-ensure-request-object-with-redirect-uri": [pages.signs_in_or_is_refused()],
        "oidcc-registration-logo-uri": [pages.shows_sign_in()],
        "oidcc-registration-policy-uri": [pages.shows_sign_in()],
        "oidcc-registration-tos-uri": [pages.shows_sign_in()],
        "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": not_signed_out,
        "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": not_signed_out,
        "oidcc-rp-initiated-logout-modified-id-token-hint": not_signed_out,
        "oidcc-rp-initiated-logout-bad-id-token-hint": not_signed_out,
        "oidcc-rp-initiated-logout-no-id-token-hint": not_signed_out,
        "oidcc-rp-initiated-logout-no-params": told_here,
        "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": told_here,
        "oidcc-rp-initiated-logout-only-state": told_here,
    }
