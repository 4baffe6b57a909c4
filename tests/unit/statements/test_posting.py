"""POST and PUT /xapi/statements."""

from __future__ import annotations

import json

from unit.statements.conftest import Api
from xapi_builders import statement


def test_a_statement_is_stored_as_received(api: Api) -> None:
    text = json.dumps(statement(id="s1")).replace('"100"', "39.0")

    answer = api.post(text)

    assert (answer.status, answer.json) == (200, ["s1"])
    assert api.stored("s1")["raw"] == text
