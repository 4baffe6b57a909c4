"""The audit over the API: newest first, in pages, across months."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge import audit

if TYPE_CHECKING:
    from unit.admin.conftest import Api


@pytest.fixture
def entries(api: Api) -> list[str]:
    """Entries of four months with an empty month in between; every other one belongs to an integration."""
    moments = [datetime(2025, month, day, tzinfo=UTC) for month in (10, 11) for day in (1, 2)]
    moments += [datetime(2026, month, day, tzinfo=UTC) for month in (1, 2) for day in (1, 2)]
    for n, moment in enumerate(moments):
        audit.record(api.table, audit.Entry("me", "tried", f"s{n}", ["i1", None][n % 2]), moment)
    return [f"s{n}" for n in reversed(range(len(moments)))]


def read(api: Api, limit: int, **query: str) -> list[list[str]]:
    """Return the subjects of each page."""
    pages: list[list[str]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = api.ask("GET", "/admin/audit", query={"limit": str(limit), **query, **cursor})
        pages.append([entry["subject"] for entry in page["items"]])
        if page["next"] is None:
            return pages
        cursor = {"cursor": page["next"]}


@pytest.mark.parametrize("limit", [1, 3, 8, 50])
def test_it_is_read_from_the_newest_to_the_oldest(api: Api, entries: list[str], limit: int) -> None:
    pages = read(api, limit)

    assert [subject for page in pages for subject in page] == entries
    assert all(len(page) <= limit for page in pages)


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_it_is_read_for_one_integration(api: Api, entries: list[str], limit: int) -> None:
    pages = read(api, limit, integration_id="i1")

    assert [subject for page in pages for subject in page] == entries[1::2]


def test_a_cursor_of_one_integration_does_not_open_the_audit_of_all(api: Api, entries: list[str]) -> None:
    page = api.ask("GET", "/admin/audit", query={"limit": "1", "integration_id": "i1"})

    assert api.send("GET", "/admin/audit", query={"cursor": page["next"]}).status == 400


def test_secrets_are_masked_whatever_is_handed_in(api: Api) -> None:
    before = {"api_key": {"client_secret": "old"}, "name": "same", "list": [1]}
    after = {"api_key": {"client_secret": "new"}, "name": "same"}
    audit.record(api.table, audit.Entry("me", "tried", "s", None, before, after))

    [entry] = api.ask("GET", "/admin/audit")["items"]
    assert entry["changes"] == [
        {"field": "api_key.client_secret", "from": "••••", "to": "••••"},
        {"field": "list", "from": [1], "to": None},
    ]
