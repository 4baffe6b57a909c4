"""The token endpoint treats strangers and wrong secrets alike, and refuses whoever keeps guessing."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from coursebridge import observability
from coursebridge.auth import throttle, wiring
from coursebridge.auth.exchange import Exchange
from coursebridge.clock import parse_rfc3339, utc_now
from coursebridge.errors import Unavailable
from coursebridge.storage import keys
from coursebridge.storage import wiring as storage_wiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import pytest

    from unit.auth.conftest import Door


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Set the clock of the token exchange forward."""
    before: Callable[[], Exchange] = wiring.exchange

    def now() -> datetime:
        return utc_now() + by

    old = before()
    moved = Exchange(
        old.registry,
        old.tokens,
        throttle.Throttle(old.throttle.table, now),
        type(old.usage)(old.usage.table, now),
    )
    monkeypatch.setattr(wiring, "exchange", lambda: moved)


def refused(door: Door, **form: str) -> Any:
    return door.ask(client_secret="wrong", **form)


def test_a_stranger_and_a_wrong_secret_get_the_same_answer_for_the_same_calls(door: Door) -> None:
    door.ask()
    wrong, wrong_calls = refused(door), dict(door.calls)
    stranger, stranger_calls = refused(door, client_id="nobody"), dict(door.calls)

    assert (wrong.status, wrong.json, wrong.headers) == (stranger.status, stranger.json, stranger.headers)
    assert wrong_calls == stranger_calls


def test_the_good_path_reads_once_and_writes_nothing_within_the_hour(door: Door) -> None:
    door.ask()

    assert door.ask().status == 200
    assert door.calls == {"dynamodb:BatchGetItem": 1}


def test_the_first_use_of_an_hour_is_noted_with_the_secret(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.ask()
    first = secret(door)["last_used_at"]
    door.ask()
    again = secret(door)["last_used_at"]
    later(monkeypatch, timedelta(hours=2))
    door.ask()

    assert first == again
    assert parse_rfc3339(secret(door)["last_used_at"]) > parse_rfc3339(first) + timedelta(hours=1)


def busy(*_args: object, **_options: object) -> None:
    raise Unavailable("busy")


def test_a_busy_table_changes_no_answer_and_leaves_a_trace(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(observability.logger.registered_handler, "stream", printed)
    monkeypatch.setattr(storage_wiring.table(), "update", busy)

    assert door.ask().status == 200
    assert refused(door).status == 401

    warned = [line for line in map(json.loads, printed.getvalue().splitlines()) if line["level"] == "WARNING"]
    assert [line["message"] for line in warned] == [
        "the use of a secret could not be noted",
        "a refusal could not be counted",
    ]
    assert "RefusalsUncounted" in capsys.readouterr().out


def test_a_table_that_is_busy_at_the_end_of_a_window_changes_no_answer(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(door)
    later(monkeypatch, throttle.WINDOW)
    monkeypatch.setattr(storage_wiring.table(), "put", busy)

    assert refused(door).status == 401


def test_the_first_admin_client_is_not_written_into_the_table_by_using_it(door: Door) -> None:
    assert door.ask(client_id="first", client_secret="first-secret").status == 200
    assert door.table.get(keys.client("first")) is None


def test_who_keeps_guessing_is_refused_whatever_it_sends_until_the_window_ends(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST_REFUSALS", 3)
    statuses = [refused(door).status for _ in range(5)]
    right = door.ask()
    later(monkeypatch, throttle.WINDOW)

    assert statuses == [401, 401, 401, 429, 429]
    assert (right.status, right.json["error"]) == (429, "invalid_client")
    assert 0 < int(right.headers["Retry-After"]) <= throttle.WINDOW.total_seconds()
    assert door.ask().status == 200
    assert refused(door).status == 401


def test_guessing_shuts_out_neither_the_client_elsewhere_nor_other_clients_here(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST_REFUSALS", 1)
    refused(door)

    assert door.ask().status == 429
    assert door.ask(source="198.51.100.7").status == 200
    assert door.ask(client_id="first", client_secret="first-secret").status == 200


def test_what_is_counted_is_forgotten_by_itself_and_names_nobody(door: Door) -> None:
    refused(door)

    key = wiring.exchange().throttle.key("192.0.2.1", "client-1")
    item = door.table.get(key) or {}
    assert item["refused"] == 1
    assert item["expires_at"] > utc_now().timestamp()
    assert "192.0.2.1" not in str(item)
    assert "client-1" not in str(item)


def test_a_client_id_longer_than_any_key_is_a_stranger(door: Door) -> None:
    assert door.ask(client_id="x" * 5000).status == 401


def secret(door: Door) -> Any:
    return (door.table.get(keys.client("client-1")) or {})["secrets"][0]
