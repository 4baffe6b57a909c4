"""Fuzz every operation of the OpenAPI document: never a 5xx, always a declared answer.

`COURSEBRIDGE_FUZZ_EXAMPLES` is the number of valid and of invalid inputs for each operation (default 3).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connector import Caller
from pushing import progress, reader
from shelf import Shelf
from syncing import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_stack import RunningStack

    Ids = dict[str, str]

EXAMPLES = int(os.environ.get("COURSEBRIDGE_FUZZ_EXAMPLES", "3"))
SECONDS = 30
"""Time limit for an answer, the same as API Gateway's."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SPLITS_PATHS = frozenset("/\n")
"""Characters that change the route of a path, because gateways decode it before they look for its route."""
NOWHERE = "http://127.0.0.1:9/"
"""An address where nobody listens; a generated one might belong to somebody."""
ENDS_ALL = {"DELETE /admin/integrations/{integration}", "POST /admin/integrations/{integration}/deactivate"}
"""Operations that would leave the others nothing to work on; they get only generated ids."""


class Fuzzed:
    """An integration with one of everything, and the callers of its operations."""

    def __init__(self, stack: RunningStack) -> None:
        admin = Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)
        shelf = Shelf(stack.sandbox, "ro_RO")
        [urn, *_] = shelf.put(1, 2, 3)
        made = connected(admin, shelf)
        run = made.sync()
        statement = progress("fuzz", urn, 39)
        made.post(statement)
        made.outcome(statement["id"])
        self.callers = {"admin": admin, "learning": made.lms, "xapi": reader(admin, made.id)}
        self.ids = {"integration": made.id, "urn": urn, "sid": statement["id"], "run_id": run["id"], "group": "sales"}
        self.ids |= self._made_by_the_lms() | self._made_by_the_admin()

    def _made_by_the_lms(self) -> Ids:
        lms, home = self.callers["learning"], f"/learning/{self.ids['integration']}"
        [learner] = lms.every(f"{home}/learners")
        lms.ask("PUT", f"{home}/groups/sales/library/{self.ids['urn']}")
        path = lms.ask(
            "POST", f"{home}/paths", 201, json={"name": "First", "group": "sales", "steps": [self.ids["urn"]]}
        )
        return {"id": learner["id"], "learner_id": learner["id"], "path_id": path["id"]}

    def _made_by_the_admin(self) -> Ids:
        admin, home = self.callers["admin"], f"/admin/integrations/{self.ids['integration']}"
        client = admin.ask("POST", "/admin/clients", 201, json={"name": "Any", "scopes": ["learning:read"]})
        webhook = admin.ask("POST", f"{home}/webhooks", 201, json={"url": NOWHERE})
        return {"client_id": client["client_id"], "webhook_id": webhook["id"]}

    def known(self, label: str, path_parameters: dict[str, Any]) -> Ids:
        """Return existing ids for path parameters, except where the operation would delete what they name."""
        if label in ENDS_ALL:
            return {}
        kept = {"integration", "group"} if label.startswith("DELETE") else set(self.ids)
        return {name: self.ids[name] for name in kept & path_parameters.keys()}

    def authorization(self, path: str) -> dict[str, str]:
        caller = self.callers.get(path.split("/")[1])
        return {"Authorization": f"Bearer {caller.token()}"} if caller else {}


@pytest.fixture(scope="module")
def fuzzed(stack: RunningStack) -> Fuzzed:
    return Fuzzed(stack)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def description(stack: RunningStack) -> Any:
    schema = schemathesis.openapi.from_dict(stack.http.get("/admin/openapi.json").json())
    schema.config.base_url = stack.outputs.api_url
    return schema


def examine(operation: Any, mode: GenerationMode, fuzzed: Fuzzed, session: requests.Session) -> None:
    """Call an operation with many generated inputs, and check the answers."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case[Any]) -> None:
        known = fuzzed.known(operation.label, case.path_parameters)
        case.path_parameters = {**case.path_parameters, **known}
        if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
            case.body["url"] = NOWHERE
        if any(SPLITS_PATHS.intersection(unquote(str(value))) for value in case.path_parameters.values()):
            return
        answer = case.call(session=session, headers=fuzzed.authorization(case.path), timeout=SECONDS)
        case.validate_response(answer, checks=CHECKS)

    asked()


def test_every_operation_answers_as_declared_whatever_it_is_asked(
    description: Any, fuzzed: Fuzzed, session: requests.Session, subtests: pytest.Subtests
) -> None:
    for found in description.get_all_operations():
        operation = found.ok()
        # If the only parameters are strings in the path, there is no invalid input.
        can_be_wrong = bool(operation.body or operation.query)
        for mode in (GenerationMode.POSITIVE, *[GenerationMode.NEGATIVE] * can_be_wrong):
            with subtests.test(f"{operation.label}, {mode.value}"):
                examine(operation, mode, fuzzed, session)
