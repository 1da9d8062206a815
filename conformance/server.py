"""A Latchkey of its own for each plan: a new certificate, an empty database, and what the plan needs in it."""

import json
import os
import secrets
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from client_key import make_certificate, make_key, public, x5c
from configuration import Client, User
from plans import HYBRID, IMPLICIT, Plan

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
STARTS_WITHIN = 30.0


class ServerError(Exception):
    """Latchkey does not do what it is told; says what it said."""


def binary() -> Path:
    """The program under test: `LATCHKEY_BIN`, or the release build of this tree, made if it is not there."""
    if named := os.environ.get("LATCHKEY_BIN"):
        if not os.access(named, os.X_OK):
            raise ServerError(f"LATCHKEY_BIN names {named}, which is no program")
        return Path(named).resolve()
    built = TOP / "target" / "release" / "latchkey"
    build = ["cargo", "build", "--release", "--bin", "latchkey"]
    if not built.exists() and subprocess.run(build, cwd=TOP, check=False).returncode != 0:
        raise ServerError("Latchkey cannot be built")
    return built


def environment() -> dict[str, str]:
    """Ours, without what would be settings of the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LATCHKEY_")}


def free_issuer() -> str:
    """An issuer on this machine, at a port that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"https://localhost:{listener.getsockname()[1]}"


class Latchkey:
    """A server that runs as long as the `with` block does, its log in `log`."""

    def __init__(self, program: Path, issuer: str, suite_url: str, plan: Plan, log: Path) -> None:
        self.issuer = issuer
        self._program = program
        self._suite_url = suite_url
        self._plan = plan
        self._log = log

    def __enter__(self) -> "Latchkey":
        self._folder = tempfile.TemporaryDirectory(prefix="latchkey-conformance-")
        self._home = Path(self._folder.name)
        try:
            self._make_certificate()
            (self._home / "latchkey.toml").write_text(self._settings())
            with self._log.open("wb") as log:
                serve = [str(self._program), "serve"]
                self._process = subprocess.Popen(
                    serve, cwd=self._home, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        except BaseException:
            self._folder.cleanup()
            raise
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def add_user(self) -> User:
        """Somebody of whom every standard claim is known."""
        user = User("ada", secrets.token_urlsafe(24))
        told = ["--email", "ada@example.com", "--email-verified", "--claims", str(HERE / "user.json")]
        self._command("user", "create", user.username, *told, "--password-stdin", secret=user.password)
        return user

    def add_client(self, name: str, alias: str, auth_method: str) -> Client:
        """A client that may do what the plan asks for, and has its redirect URIs where this alias puts them."""
        at = f"{self._suite_url}/test/a/{alias}"
        told = ["--id", name, "--name", name, "--no-pkce"]
        told += ["--auth-method", "self_signed_tls_client_auth" if auth_method == "mtls" else auth_method]
        told += ["--redirect-uri", f"{at}/callback", "--post-logout-redirect-uri", f"{at}/post_logout_redirect"]
        for response_type in self._plan.response_types:
            told += ["--response-type", response_type]
        for grant in grants(self._plan.response_types):
            told += ["--grant", grant]
        if auth_method in ("private_key_jwt", "mtls"):
            key, file = make_key(self._home, name), self._home / f"{name}.json"
            certificate, private = make_certificate(self._home, name)
            file.write_text(json.dumps({"keys": [public(key) | {"x5c": x5c(certificate)}]}))
            self._command("client", "create", *told, "--jwks", str(file))
            tls = {"cert": certificate, "key": private} if auth_method == "mtls" else None
            return Client(name, jwks={"keys": [key]}, tls=tls)
        secret = secrets.token_urlsafe(36)
        self._command("client", "create", *told, "--secret-stdin", secret=secret)
        return Client(name, secret)

    def rotate_keys(self) -> None:
        """Signs with another key, and waits until the server publishes the one after it."""
        before = self._published_keys()
        self._command("key", "rotate", "--now")
        until = time.monotonic() + STARTS_WITHIN
        while self._published_keys() <= before:
            if time.monotonic() > until:
                raise ServerError("the keys were rotated, and no new one is published")
            time.sleep(0.1)

    def _published_keys(self) -> set[str]:
        return {key["kid"] for key in json.loads(self._get("/.well-known/jwks.json"))["keys"]}

    def _settings(self) -> str:
        address = urllib.parse.urlsplit(self.issuer)
        host = "127.0.0.1" if address.hostname == "localhost" else "0.0.0.0"
        settings = [
            f'issuer = "{self.issuer}"',
            f'listen = "{host}:{address.port or 443}"',
            'tls.certificate = "certificate.pem"',
            'tls.key = "key.pem"',
            'log.format = "json"',
        ]
        offered = OFFERED if self._plan.registers_itself else ("code", *self._plan.response_types)
        settings.append(f"registration.response_types = {json.dumps(sorted(set(offered)))}")
        settings.append("registration.allow_unsigned = true")
        if self._plan.auth_method == "mtls":
            settings.append('tls.client_certificates = "optional"')
        if self._plan.registers_itself:
            self._fetch_suite_certificate()
            settings += [
                'registration.mode = "open"',
                "registration.require_pkce = false",
                # The suite runs beside, under a certificate of its own.
                "outgoing.allow_private_addresses = true",
                'outgoing.extra_ca = "suite.pem"',
            ]
        return "\n".join(settings) + "\n"

    def _make_certificate(self) -> None:
        host = urllib.parse.urlsplit(self.issuer).hostname
        subject = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
        files = ["-keyout", "key.pem", "-out", "certificate.pem"]
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", *subject, *files]
        subprocess.run(make, cwd=self._home, check=True, capture_output=True)

    def _fetch_suite_certificate(self) -> None:
        address = urllib.parse.urlsplit(self._suite_url)
        certificate = ssl.get_server_certificate((address.hostname or "", address.port or 443))
        (self._home / "suite.pem").write_text(certificate)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self._get("/readyz")
                return
            except OSError:
                time.sleep(0.05)
        said = self._log.read_text(errors="replace")[-2000:]
        raise ServerError(f"latchkey serve does not get ready:\n{said}")

    def _get(self, path: str) -> bytes:
        # The suite may know a name for this machine that the machine itself does not.
        tls = ssl.create_default_context(cafile=str(self._home / "certificate.pem"))
        tls.check_hostname = False
        here = f"https://127.0.0.1:{urllib.parse.urlsplit(self.issuer).port or 443}"
        with urllib.request.urlopen(f"{here}{path}", context=tls, timeout=10) as answer:
            return bytes(answer.read())

    def _command(self, *arguments: str, secret: str = "") -> None:
        command = [str(self._program), *arguments]
        done = subprocess.run(
            command, cwd=self._home, env=environment(), input=secret, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"latchkey {' '.join(arguments[:2])}: {done.stderr.strip()}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


# To clients that register themselves: all there is.
OFFERED = ("code", *IMPLICIT, *HYBRID, "none")


def grants(response_types: tuple[str, ...]) -> list[str]:
    """What these response types need to be allowed (OIDC Registration §2)."""
    needed = []
    if any("code" in response_type.split() for response_type in response_types):
        needed += ["authorization_code", "refresh_token"]
    if any(response_type != "code" for response_type in response_types):
        needed.append("implicit")
    return needed
