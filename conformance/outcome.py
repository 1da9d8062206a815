"""How a module came out, read from what the suite has noted."""

from dataclasses import dataclass
from typing import Any

PASSED, REVIEW, WARNING, SKIPPED, FAILED = "passed", "review", "warning", "skipped", "failed"
# Not the suite's word: the module did not come to an end.
UNFINISHED = "unfinished"
RESULTS = (PASSED, REVIEW, WARNING, SKIPPED, FAILED, UNFINISHED)

# What entries of the suite's log come to, the gravest first.
_NOTED = {"FAILURE": FAILED, "INTERRUPTED": UNFINISHED, "WARNING": WARNING, "SKIPPED": SKIPPED, "REVIEW": REVIEW}


@dataclass(frozen=True)
class Finding:
    """A condition that was not met, why a module broke off or was skipped, or what a person should see."""

    condition: str
    result: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What a module of a plan has come to."""

    plan: str
    module: str
    variant: dict[str, str]
    result: str
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


def result(said: str) -> str:
    """What the suite says of a module that has ended, in our words."""
    said = said.lower()
    return said if said in RESULTS else UNFINISHED


def findings(log: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """What a module's log has beside successes, each thing once, the gravest first."""
    noted = [(str(entry.get("result")), entry) for entry in log if entry.get("result") in _NOTED]
    if any(of == "FAILURE" for of, _ in noted):
        # A failure that breaks the module off is noted a second time, as that.
        noted = [(of, entry) for of, entry in noted if of != "INTERRUPTED"]
    noted.sort(key=lambda pair: list(_NOTED).index(pair[0]))
    told = [Finding(str(entry.get("src", "")), _NOTED[of], _line(entry.get("msg"))) for of, entry in noted]
    return tuple(dict.fromkeys(told))


def _line(text: object) -> str:
    return " ".join(str(text or "").split())
