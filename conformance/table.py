"""What is shown of a run: on the terminal, and in README."""

import datetime
import re
import textwrap
from pathlib import Path

from expected import Entry, is_surprise
from outcome import FAILED, PASSED, RESULTS, REVIEW, SKIPPED, UNFINISHED, WARNING, Outcome
from plans import PLANS

BEGIN = "<!-- made by conformance/run --update-readme -->\n"
END = "<!-- end -->\n"
WIDTH = 110
INDENT = "      "


def terminal(outcomes: list[Outcome], entries: list[Entry]) -> str:
    """Every module with its result and the gravest thing that was found; what is not expected has a mark."""
    wide = max((len(name(outcome, outcomes)) for outcome in outcomes), default=0)
    lines: list[str] = []
    for plan in dict.fromkeys(outcome.plan for outcome in outcomes):
        lines += ["", f"{plan}: {PLANS[plan].suite_name}"]
        for outcome in (outcome for outcome in outcomes if outcome.plan == plan):
            mark = "!" if is_surprise(outcome, entries) else " "
            lines.append(f"{mark} {name(outcome, outcomes):<{wide}}  {outcome.result}")
            if outcome.findings and outcome.result != PASSED:
                first = outcome.findings[0]
                told = f"{first.condition}: {first.message}".removeprefix(": ")
                lines += textwrap.wrap(told, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    return "\n".join(lines).lstrip("\n")


def name(outcome: Outcome, among: list[Outcome]) -> str:
    """The module, and its response type where the plan has it for several."""
    twins = [other for other in among if (other.plan, other.module) == (outcome.plan, outcome.module)]
    response_type = outcome.variant.get("response_type")
    return f"{outcome.module} [{response_type}]" if response_type and len(twins) > 1 else outcome.module


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    """How many modules came to which result."""
    return {result: sum(outcome.result == result for outcome in outcomes) for result in RESULTS}


def readme(outcomes: list[Outcome], entries: list[Entry], version: str, day: datetime.date) -> str:
    """README's table: a line for each plan, and what did not pass with its reason."""
    lines = [
        f"{day.day} {day:%B %Y}, version {version} of the suite:",
        "",
        "| plan | of the suite | passed | passed, with pages to look at | warning | skipped | failed |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    ran = list(dict.fromkeys(outcome.plan for outcome in outcomes))
    for plan in ran:
        count = counts([outcome for outcome in outcomes if outcome.plan == plan])
        numbers = [count[PASSED], count[REVIEW], count[WARNING], count[SKIPPED], count[FAILED] + count[UNFINISHED]]
        lines.append(f"| `{plan}` | {PLANS[plan].suite_name} | " + " | ".join(str(number) for number in numbers) + " |")
    known = [(entry, [plan for plan in entry.plans if plan in ran]) for entry in entries]
    if any(plans for _, plans in known):
        lines += ["", "| what did not pass | in | why |", "|---|---|---|"]
    for entry, plans in known:
        if plans:
            named = ", ".join(f"`{plan}`" for plan in plans)
            lines.append(f"| {entry.module}, {entry.result} | {named} | {entry.reason} |")
    return "\n".join(lines) + "\n"


def update(file: Path, made: str) -> None:
    """Puts a part that was made in the place of the one before."""
    text = file.read_text()
    part = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if len(part.findall(text)) != 1:
        raise ValueError(f"{file.name} has to have one part between {BEGIN.strip()} and {END.strip()}")
    file.write_text(part.sub(lambda _: BEGIN + made + END, text))
