"""A run: each plan against a server of its own, module after module."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evidence
import outcome
from configuration import configuration
from outcome import UNFINISHED, Finding, Outcome
from plans import Plan
from server import Latchkey, ServerError, free_issuer
from suite import Module, Suite, SuiteError

ENDED = ["FINISHED", "INTERRUPTED"]
# The longest that a module waits of its own accord is a minute, for keys to be fetched again.
MODULE_ENDS_WITHIN = 180.0
# This one waits until we have done what its name says.
ROTATES_KEYS = "oidcc-server-rotate-keys"


@dataclass(frozen=True)
class Wanted:
    """A plan, and which of its modules; all if none is named."""

    plan: Plan
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What the plans of a run share."""

    suite: Suite
    program: Path
    # At a free port of this machine if not said.
    issuer: str | None
    logs: Path

    def plan(self, wanted: Wanted) -> Iterator[Outcome]:
        """Runs a plan. What keeps it from going on is an outcome, too, and the next plan may fare better."""
        try:
            yield from self._modules(wanted)
        except (ServerError, SuiteError) as error:
            print(f"  {error}", flush=True)
            finding = Finding("", UNFINISHED, " ".join(str(error).split()))
            yield Outcome(wanted.plan.name, "the plan itself", {}, UNFINISHED, (finding,))

    def _modules(self, wanted: Wanted) -> Iterator[Outcome]:
        plan = wanted.plan
        logs = self.logs / plan.name
        logs.mkdir(parents=True, exist_ok=True)
        issuer = self.issuer or free_issuer()
        print(f"{plan.name}: {plan.suite_name} at {issuer}", flush=True)
        with Latchkey(self.program, issuer, self.suite.url, plan, logs / "latchkey.log") as server:
            told = configure(server, self.suite.url, plan)
            (logs / "configuration.json").write_text(json.dumps(told, indent=2) + "\n")
            plan_id, modules = self.suite.create_plan(plan.suite_name, plan.variant, told)
            modules = chosen(modules, wanted)
            for number, module in enumerate(modules, start=1):
                done = self._module(server, plan, plan_id, module, number)
                at = f"{plan.name} {number:>3} of {len(modules)}"
                print(f"  {at}  {module.name} … {done.result}, {done.seconds:.1f} s", flush=True)
                yield done

    def _module(self, server: Latchkey, plan: Plan, plan_id: str, module: Module, number: int) -> Outcome:
        began = time.monotonic()
        module_id = self.suite.create_module(plan_id, module)
        said = self._to_its_end(server, module, module_id)
        seconds = time.monotonic() - began
        log = self.suite.log(module_id)
        evidence.keep(self.logs / plan.name / f"{number:02}-{module.name}", log, server.issuer)
        return Outcome(plan.name, module.name, module.variant, outcome.result(said), outcome.findings(log), seconds)

    def _to_its_end(self, server: Latchkey, module: Module, module_id: str) -> str:
        """What the suite says of the module once it has ended; nothing if it does not end."""
        if module.name == ROTATES_KEYS and self._waits_for_us(module_id):
            server.rotate_keys()
            self.suite.start_module(module_id)
        if self.suite.wait(module_id, ENDED, MODULE_ENDS_WITHIN):
            return self.suite.result(module_id)
        self.suite.stop_module(module_id)
        self.suite.wait(module_id, ENDED, 30)
        return ""

    def _waits_for_us(self, module_id: str) -> bool:
        return self.suite.wait(module_id, ["CONFIGURED", *ENDED], MODULE_ENDS_WITHIN) == "CONFIGURED"


def configure(server: Latchkey, suite_url: str, plan: Plan) -> dict[str, Any]:
    """Puts into the server what the plan needs; what the suite is told of it."""
    user = server.add_user()
    if plan.registers_itself:
        return configuration(server.issuer, suite_url, user, {}, None)
    # Another in each run, since the suite breaks off what else runs under an alias.
    alias = f"latchkey-{secrets.token_hex(4)}"
    methods = {"client": plan.auth_method, "client2": plan.auth_method, "client_secret_post": "client_secret_post"}
    clients = {name: server.add_client(name.replace("_", "-"), alias, method) for name, method in methods.items()}
    return configuration(server.issuer, suite_url, user, clients, alias)


def chosen(modules: list[Module], wanted: Wanted) -> list[Module]:
    """The modules that were named, or all."""
    if unknown := set(wanted.modules) - {module.name for module in modules}:
        raise SuiteError(f"{wanted.plan.name} has no module {', '.join(sorted(unknown))}")
    return [module for module in modules if not wanted.modules or module.name in wanted.modules]
