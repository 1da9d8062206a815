"""The failures, warnings and skips that are known, each with its reason: `expected.json`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from outcome import FAILED, PASSED, REVIEW, SKIPPED, WARNING, Outcome


class ExpectedError(Exception):
    """The file says something that cannot be so."""


@dataclass(frozen=True)
class Entry:
    """In each of these plans, the module comes to this."""

    plans: tuple[str, ...]
    module: str
    result: str
    reason: str
    # What fails or warns: all of it, so that nothing hides behind what is known. A skip has none.
    conditions: frozenset[str] = frozenset()
    # What the module's variant holds, where the plan has it more than once.
    variant: dict[str, str] = field(default_factory=dict, hash=False)

    def is_of(self, outcome: Outcome) -> bool:
        """Whether this speaks of that module."""
        of_variant = self.variant.items() <= outcome.variant.items()
        return outcome.plan in self.plans and outcome.module == self.module and of_variant

    def explains(self, outcome: Outcome) -> bool:
        """Whether the module has come to this, and for no other cause."""
        found = {finding.condition for finding in outcome.findings if finding.result in (FAILED, WARNING)}
        return self.is_of(outcome) and self.result == outcome.result and self.conditions == found


def read(file: Path, known_plans: Iterable[str]) -> list[Entry]:
    """The entries of a file."""
    known_plans = set(known_plans)
    entries = []
    for number, told in enumerate(json.loads(file.read_text()), start=1):
        try:
            lists = {"plans": tuple(told["plans"]), "conditions": frozenset(told.get("conditions", []))}
            entry = Entry(**{**told, **lists})
        except (KeyError, TypeError) as error:
            raise ExpectedError(f"{file.name}, entry {number}: {error}") from error
        for complaint in _complaints(entry, known_plans):
            raise ExpectedError(f"{file.name}, entry {number} ({entry.module}): {complaint}")
        entries.append(entry)
    return entries


def _complaints(entry: Entry, known_plans: set[str]) -> Iterator[str]:
    if entry.result not in (FAILED, WARNING, SKIPPED):
        yield f"`result` is one of {FAILED}, {WARNING} and {SKIPPED}"
    if bool(entry.conditions) == (entry.result == SKIPPED):
        yield "`conditions` names what fails or warns, and a skip has none"
    if not entry.reason.strip():
        yield "`reason` says why this may be so"
    if not entry.plans:
        yield "`plans` names the plans in which this is so"
    for plan in sorted(set(entry.plans) - known_plans):
        yield f"there is no plan {plan}"


def is_surprise(outcome: Outcome, entries: list[Entry]) -> bool:
    """Whether a module came to something else than success, and no entry explains it."""
    return outcome.result not in (PASSED, REVIEW) and not any(entry.explains(outcome) for entry in entries)


def stale(entries: list[Entry], outcomes: list[Outcome], whole_plans: set[str]) -> list[tuple[Entry, str]]:
    """
    The entries of something that is no longer so, each with the plan in which that shows: the module ran there, or the
    plan ran whole and has no such module.
    """
    found = []
    for entry in entries:
        for plan in entry.plans:
            ran = [outcome for outcome in outcomes if outcome.plan == plan and entry.is_of(outcome)]
            if (ran or plan in whole_plans) and not any(entry.explains(outcome) for outcome in ran):
                found.append((entry, plan))
    return found
