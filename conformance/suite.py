"""The suite's REST API, as far as a run needs it."""

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

# What the suite waits for before it answers all the same; it allows no more.
LONGEST_POLL = 30.0


class SuiteError(Exception):
    """The suite cannot be reached, or refuses; says which call and why."""


@dataclass(frozen=True)
class Module:
    """A module of a plan, with what the plan fixes for it."""

    name: str
    variant: dict[str, str]


class Suite:
    """A running suite, known by its base URL."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A local suite's certificate is its own, and nothing sent to it outlives the run.
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def version(self) -> str:
        """Version and revision, as in `5.2.4 (12f2a4d)`."""
        told = self._call("GET", "/api/server")
        return f"{told['version']} ({told['revision']})" if told.get("revision") else str(told["version"])

    def create_plan(self, name: str, variant: dict[str, str], told: dict[str, Any]) -> tuple[str, list[Module]]:
        """A plan with this configuration: its id, and the modules that the variant leaves, in the suite's order."""
        query = {"planName": name, "variant": json.dumps(variant)}
        plan = self._call("POST", "/api/plan", query, told)
        modules = [Module(module["testModule"], module.get("variant") or {}) for module in plan["modules"]]
        return plan["id"], modules

    def create_module(self, plan_id: str, module: Module) -> str:
        """Configures a module, and starts it unless it waits to be started; its id."""
        query = {"plan": plan_id, "test": module.name, "variant": json.dumps(module.variant)}
        return str(self._call("POST", "/api/runner", query)["id"])

    def start_module(self, module_id: str) -> None:
        """Starts a module that waits for it."""
        self._call("POST", f"/api/runner/{module_id}")

    def stop_module(self, module_id: str) -> None:
        """Gives a module up."""
        self._call("DELETE", f"/api/runner/{module_id}")

    def wait(self, module_id: str, states: list[str], seconds: float) -> str | None:
        """The first of these states that the module reaches; None if it has reached none in time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            query = {"states": ",".join(states), "timeoutMs": str(int(min(left, LONGEST_POLL) * 1000) + 1)}
            if state := self._call("GET", f"/api/runner/{module_id}/wait-state", query).get("state"):
                return str(state)
        return None

    def result(self, module_id: str) -> str:
        """How a module that has ended came out."""
        return str(self._call("GET", f"/api/info/{module_id}").get("result") or "UNKNOWN")

    def log(self, module_id: str) -> list[dict[str, Any]]:
        """Everything the module has noted: conditions, requests and answers."""
        return list(self._call("GET", f"/api/log/{module_id}"))

    def _call(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
        url = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url, method=method, headers={"Content-Type": "application/json"})
        request.data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=LONGEST_POLL + 30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace")
            raise SuiteError(f"{method} {path} is answered with {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise SuiteError(f"{method} {path} at {self.url}: {error}") from error
