"""Exports over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge import clients
from coursebridge.clock import utc_now
from coursebridge.exports.runner import Runner
from learning_lab import ACME, put_course
from unit.learning.conftest import BUCKET

if TYPE_CHECKING:
    from coursebridge.storage.table import Table
    from learning_lab import Caller


def test_an_export_is_ordered_looked_at_and_fetched(deployed: Table, lms: Caller) -> None:
    put_course(deployed)
    ordered = lms.ask("POST", "/exports", {"what": "courses", "format": "csv"}, expect=202)
    assert (ordered["status"], ordered["url"]) == ("queued", None)

    Runner(deployed, clients.s3(), BUCKET, utc_now, lambda: False).run(ACME, ordered["id"])

    done = lms.get(f"/exports/{ordered['id']}")
    assert (done["status"], done["rows"]) == ("succeeded", 1)
    assert done["url"].startswith("https://")


def test_exports_are_listed_newest_first(lms: Caller) -> None:
    ids = [lms.ask("POST", "/exports", {"what": "attempts"}, expect=202)["id"] for _ in range(2)]

    first = lms.get("/exports", limit="1")
    second = lms.get("/exports", limit="1", cursor=first["next"])

    assert {one["id"] for one in first["items"] + second["items"]} == set(ids)


@pytest.mark.parametrize("body", [{"what": "secrets"}, {"what": "courses", "format": "pdf"}, {}])
def test_what_cannot_be_exported_is_refused(lms: Caller, body: dict[str, str]) -> None:
    lms.ask("POST", "/exports", body, expect=400)


def test_an_export_nobody_ordered_is_not_found(lms: Caller) -> None:
    lms.refused("/exports/nothing", 404)
