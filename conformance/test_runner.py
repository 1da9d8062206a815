"""What the runner decides by itself, without a suite or a server."""

import datetime
import json
import re
import tempfile
import unittest
from pathlib import Path

import expected
import table
from client_key import NUMBERS, base64url, public
from configuration import Client, User, configuration
from expected import Entry, ExpectedError
from outcome import FAILED, PASSED, REVIEW, SKIPPED, UNFINISHED, WARNING, Finding, Outcome, findings, result
from plans import CLAIMED, HYBRID, IMPLICIT, PLANS
from server import grants

HERE = Path(__file__).parent
MODULE = "oidcc-server"


def came_to(of: str, *conditions: str, plan: str = "basic-static", module: str = MODULE, **variant: str) -> Outcome:
    found = tuple(Finding(condition, FAILED if of == FAILED else WARNING, "Told so.") for condition in conditions)
    return Outcome(plan, module, variant, of, found)


def entry(of: str, *conditions: str, plans: tuple[str, ...] = ("basic-static",), **variant: str) -> Entry:
    return Entry(plans, MODULE, of, "It is known.", frozenset(conditions), variant)


class WhatIsExpected(unittest.TestCase):
    def test_success_needs_no_entry(self) -> None:
        self.assertFalse(expected.is_surprise(came_to(PASSED), []))
        self.assertFalse(expected.is_surprise(came_to(REVIEW), []))

    def test_anything_else_does(self) -> None:
        for done in (came_to(FAILED, "A"), came_to(WARNING, "A"), came_to(SKIPPED), came_to(UNFINISHED)):
            self.assertTrue(expected.is_surprise(done, []), done.result)

    def test_an_entry_explains_its_own_module_result_and_conditions(self) -> None:
        self.assertFalse(expected.is_surprise(came_to(FAILED, "A", "B"), [entry(FAILED, "B", "A")]))
        self.assertFalse(expected.is_surprise(came_to(SKIPPED), [entry(SKIPPED)]))
        for other in (
            came_to(FAILED, "A", module="oidcc-other"),
            came_to(FAILED, "A", plan="basic-dynamic"),
            came_to(FAILED, "A", "B"),
            came_to(FAILED),
            came_to(WARNING, "A"),
            came_to(UNFINISHED, "A"),
        ):
            self.assertTrue(expected.is_surprise(other, [entry(FAILED, "A")]), other)

    def test_an_entry_of_a_variant_explains_no_other(self) -> None:
        known = [entry(FAILED, "A", response_type="code token")]
        self.assertFalse(expected.is_surprise(came_to(FAILED, "A", response_type="code token"), known))
        self.assertTrue(expected.is_surprise(came_to(FAILED, "A", response_type="code id_token"), known))

    def test_an_entry_of_what_is_no_longer_so_is_stale(self) -> None:
        known = entry(FAILED, "A")
        self.assertEqual(expected.stale([known], [came_to(PASSED)], set()), [(known, "basic-static")])
        self.assertEqual(expected.stale([known], [came_to(FAILED, "B")], set()), [(known, "basic-static")])
        self.assertEqual(expected.stale([known], [came_to(FAILED, "A")], {"basic-static"}), [])

    def test_an_entry_is_stale_in_each_plan_by_itself(self) -> None:
        known = entry(FAILED, "A", plans=("basic-static", "formpost-basic-static"))
        ran = [came_to(FAILED, "A"), came_to(PASSED, plan="formpost-basic-static")]
        self.assertEqual(expected.stale([known], ran, set()), [(known, "formpost-basic-static")])

    def test_an_entry_of_a_module_that_a_plan_does_not_have_is_stale_once_the_plan_ran_whole(self) -> None:
        known, other = entry(FAILED, "A"), came_to(PASSED, module="oidcc-other")
        self.assertEqual(expected.stale([known], [other], set()), [])
        self.assertEqual(expected.stale([known], [other], {"basic-static"}), [(known, "basic-static")])

    def test_the_file_is_read(self) -> None:
        for known in expected.read(HERE / "expected.json", PLANS):
            self.assertTrue(known.reason)

    def test_a_file_that_cannot_be_meant_is_refused(self) -> None:
        right: dict[str, object] = {"plans": ["config"], "module": MODULE, "result": FAILED, "reason": "Known."}
        right["conditions"] = ["A"]
        self.assertEqual(len(self.read([right])), 1)
        changes: list[dict[str, object]] = [
            {"plans": ["confgi"]},
            {"plans": []},
            {"result": PASSED},
            {"result": SKIPPED},
            {"conditions": []},
            {"reason": " "},
            {"comment": "There is no such member."},
        ]
        for wrong in changes:
            with self.assertRaises(ExpectedError, msg=str(wrong)):
                self.read([{**right, **wrong}])
        with self.assertRaises(ExpectedError):
            self.read([{name: value for name, value in right.items() if name != "reason"}])

    def read(self, told: list[dict[str, object]]) -> list[Entry]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "expected.json"
            file.write_text(json.dumps(told))
            return expected.read(file, PLANS)


class WhatTheSuiteSays(unittest.TestCase):
    def test_results_are_said_in_our_words(self) -> None:
        for said, meant in (("PASSED", PASSED), ("REVIEW", REVIEW), ("UNKNOWN", UNFINISHED), ("", UNFINISHED)):
            self.assertEqual(result(said), meant)

    def test_the_gravest_comes_first_and_each_once(self) -> None:
        log = [
            {"src": "A", "result": "SUCCESS", "msg": "Well."},
            {"src": "B", "result": "WARNING", "msg": "Not\n so well."},
            {"src": "C", "result": "FAILURE", "msg": "Badly."},
            {"src": "B", "result": "WARNING", "msg": "Not so well."},
            {"src": MODULE, "result": "INTERRUPTED", "msg": "Broken off, badly."},
            {"src": "D", "msg": "Only noted."},
        ]
        self.assertEqual(findings(log), (Finding("C", FAILED, "Badly."), Finding("B", WARNING, "Not so well.")))

    def test_why_a_module_broke_off_is_kept_where_nothing_else_says_so(self) -> None:
        log = [{"src": MODULE, "result": "INTERRUPTED", "msg": "Told to stop."}]
        self.assertEqual(findings(log), (Finding(MODULE, UNFINISHED, "Told to stop."),))


class WhatIsShown(unittest.TestCase):
    def test_a_surprise_has_a_mark_and_its_first_finding(self) -> None:
        shown = table.terminal([came_to(PASSED, module="oidcc-other"), came_to(FAILED, "A", "B")], [])
        self.assertRegex(shown, r"(?m)^  oidcc-other +passed$")
        self.assertRegex(shown, rf"(?m)^! {MODULE} +failed\n +A: Told so\.$")
        self.assertNotIn("B:", shown)

    def test_what_is_expected_has_none(self) -> None:
        shown = table.terminal([came_to(FAILED, "A")], [entry(FAILED, "A")])
        self.assertRegex(shown, rf"(?m)^  {MODULE} +failed$")

    def test_modules_of_several_response_types_are_told_apart(self) -> None:
        twins = [came_to(PASSED, plan="hybrid-static", response_type=response_type) for response_type in HYBRID]
        shown = table.terminal([*twins, came_to(PASSED, response_type="code")], [])
        self.assertIn(f"{MODULE} [code token]", shown)
        self.assertNotIn("[code]", shown)

    def test_readme_has_a_line_for_each_plan_and_each_reason(self) -> None:
        ran = [came_to(PASSED), came_to(FAILED, "A"), came_to(PASSED, plan="config")]
        other = entry(SKIPPED, plans=("hybrid-static",))
        made = table.readme(ran, [entry(FAILED, "A"), other], "5.2.4 (abc)", datetime.date(2026, 11, 2))
        self.assertIn("2 November 2026, version 5.2.4 (abc) of the suite:\n", made)
        self.assertIn("| `basic-static` | oidcc-basic-certification-test-plan | 1 | 0 | 0 | 0 | 1 |\n", made)
        self.assertIn("| `config` | oidcc-config-certification-test-plan | 1 | 0 | 0 | 0 | 0 |\n", made)
        self.assertIn(f"| {MODULE}, failed | `basic-static` | It is known. |\n", made)
        self.assertNotIn("hybrid", made)

    def test_only_its_own_part_of_readme_is_replaced(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "README.md"
            file.write_text(f"Before.\n{table.BEGIN}Old.\n{table.END}After.\n{table.END}")
            table.update(file, "New: \\1.\n")
            self.assertEqual(file.read_text(), f"Before.\n{table.BEGIN}New: \\1.\n{table.END}After.\n{table.END}")
            file.write_text("Nothing.\n")
            with self.assertRaises(ValueError):
                table.update(file, "New.\n")


class WhatTheSuiteIsTold(unittest.TestCase):
    def setUp(self) -> None:
        clients = {"client": Client("app", "secret"), "client2": Client("other", jwks={"keys": []})}
        self.told = configuration("https://op.test", "https://suite.test", User("ada", "password"), clients, "alias")

    def test_a_client_has_a_secret_or_keys(self) -> None:
        self.assertEqual(self.told["client"], {"client_id": "app", "client_secret": "secret"})
        self.assertEqual(self.told["client2"], {"client_id": "other", "jwks": {"keys": []}})

    def test_what_others_may_know_of_a_key_is_its_public_half(self) -> None:
        key = {"kty": "RSA", "kid": "a", **dict.fromkeys(NUMBERS, "AQAB")}
        self.assertEqual(public(key), {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"})

    def test_numbers_of_a_key_are_written_without_leading_zeros(self) -> None:
        # RFC 7518 §2, Base64urlUInt: as few octets as the number needs.
        self.assertEqual([base64url("010001"), base64url("10001"), base64url("FF")], ["AQAB", "AQAB", "_w"])

    def test_every_browser_is_sent_to_the_server_or_watches_the_suite(self) -> None:
        browsers = [self.told["browser"], *(told["browser"] for told in self.told["override"].values())]
        for match in (visit["match"] for browser in browsers for visit in browser):
            self.assertTrue(match.startswith("https://op.test/") or match == "*session_verify*", match)

    def test_no_page_of_the_server_is_taken_for_the_suite(self) -> None:
        # An app's redirect URI stands in the address of the authorization endpoint, too.
        matches = [task.get("match", "") for entry in self.told["browser"] for task in entry["tasks"]]
        self.assertIn("https://suite.test/test/*/callback*", matches)
        self.assertEqual([match for match in matches if match.startswith("*")], [])

    def test_the_pages_say_what_is_looked_for(self) -> None:
        words = (HERE.parent / "templates" / "locales" / "en.ftl").read_text()
        titles = set(re.findall(r'"\^([^"]+)\$"', json.dumps(self.told)))
        self.assertEqual(titles, {"Authorization error", "Sign in", "Sign-out error", "You are signed out"})
        for title in titles:
            self.assertRegex(words, rf"(?m)^[a-z-]+ = {title}$")


class WhatIsPlanned(unittest.TestCase):
    def test_what_is_claimed_can_be_run(self) -> None:
        self.assertEqual([name for name in CLAIMED if name not in PLANS], [])

    def test_a_client_may_have_what_its_response_types_need(self) -> None:
        self.assertEqual(grants(("code",)), ["authorization_code", "refresh_token"])
        self.assertEqual(grants(IMPLICIT), ["implicit"])
        self.assertEqual(grants(HYBRID), ["authorization_code", "refresh_token", "implicit"])

    def test_of_the_user_every_standard_claim_is_known(self) -> None:
        told = set(json.loads((HERE / "user.json").read_text()))
        said_by_the_server = {"sub", "preferred_username", "email", "email_verified", "updated_at"}
        # OpenID Connect Core §5.1.
        standard = """
            sub name given_name family_name middle_name nickname preferred_username profile picture website email
            email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address updated_at
        """
        self.assertEqual(told, set(standard.split()) - said_by_the_server)


if __name__ == "__main__":
    unittest.main()
