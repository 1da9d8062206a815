"""A client's own key, as the suite wants to be told of it: a private JWK."""

import base64
import re
import subprocess
from pathlib import Path

# The numbers of a private RSA key in the order of RFC 8017 appendix A.1.2, by their names in RFC 7518 section 6.3.
NUMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")


def make_key(folder: Path, kid: str) -> dict[str, str]:
    """A new key, made by openssl in this folder."""
    file = folder / f"{kid}.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", file, "2048"], check=True, capture_output=True)
    told = subprocess.run(["openssl", "asn1parse", "-in", file], check=True, capture_output=True, text=True).stdout
    _version, *numbers = re.findall(r"INTEGER +:([0-9A-F]+)", told)
    key = {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256"}
    return key | {name: base64url(number) for name, number in zip(NUMBERS, numbers, strict=True)}


def make_certificate(folder: Path, kid: str) -> tuple[str, str]:
    """A certificate that the key signs for itself, and the key, both as PEM."""
    file = folder / f"{kid}.pem"
    make = ["openssl", "req", "-x509", "-key", file, "-days", "30", "-subj", f"/CN={kid}"]
    made = subprocess.run(make, check=True, capture_output=True, text=True)
    return made.stdout, file.read_text()


def x5c(certificate: str) -> list[str]:
    """A certificate as a JWK carries it (RFC 7517 section 4.7)."""
    lines = certificate.strip().splitlines()
    return ["".join(lines[1:-1])]


def public(key: dict[str, str]) -> dict[str, str]:
    """What others may know of a key."""
    return {name: value for name, value in key.items() if name not in NUMBERS[2:]}


def base64url(number: str) -> str:
    """A number in hexadecimal digits as a JWK has it."""
    octets = bytes.fromhex(number.rjust(len(number) + len(number) % 2, "0"))
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
