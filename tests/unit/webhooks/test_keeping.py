"""What an admin does with endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from coursebridge import clients, secret_values
from coursebridge.errors import Conflict, InvalidRequest, NotFound, Unavailable
from coursebridge.storage.table import Table, TransactionRefused
from coursebridge.webhooks.addresses import address_of, check_url, look_up
from coursebridge.webhooks.targets import MOST_TARGETS, Target, TargetStore, live_secrets, secret_name
from learning_lab import ACME, NOW
from unit.webhooks.conftest import PREFIX, URL, bus_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.webhooks.conftest import Lab


def test_a_secret_lies_in_secrets_manager_and_nowhere_else(lab: Lab) -> None:
    target, secret = lab.create()

    assert secret.startswith("whsec_")
    assert live_secrets(PREFIX, target) == [secret]
    assert secret not in str(lab.table.client.scan(TableName=lab.table.name)["Items"])


def test_of_two_live_secrets_the_older_dies_at_the_next_rotation(lab: Lab) -> None:
    target, first = lab.create()
    _, second = lab.webhooks.rotate(target.id, NOW)
    rotated, third = lab.webhooks.rotate(target.id, NOW)

    assert [one["n"] for one in rotated.secrets] == [2, 3]
    assert live_secrets(PREFIX, rotated) == [second, third]
    assert first not in live_secrets(PREFIX, rotated)
    assert first not in secret_values.read_or_empty(secret_name(PREFIX, ACME, target.id)).values()


def test_a_secret_can_be_deleted_unless_it_is_the_last(lab: Lab) -> None:
    target, _ = lab.create()
    _, second = lab.webhooks.rotate(target.id, NOW)

    left = lab.webhooks.delete_secret(target.id, 1, NOW)

    assert live_secrets(PREFIX, left) == [second]
    with pytest.raises(Conflict):
        lab.webhooks.delete_secret(target.id, 2, NOW)
    with pytest.raises(NotFound):
        lab.webhooks.delete_secret(target.id, 1, NOW)


def test_a_rotation_that_was_interrupted_costs_no_secret_that_signs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    target, first = lab.create()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(secret_values, "write", Mock(side_effect=TimeoutError))
        with pytest.raises(TimeoutError):
            lab.webhooks.rotate(target.id, NOW)
    with pytest.raises(Conflict):
        lab.webhooks.delete_secret(target.id, 1, NOW)

    rotated, third = lab.webhooks.rotate(target.id, NOW)

    assert [secret["n"] for secret in rotated.secrets] == [1, 3]
    assert live_secrets(PREFIX, rotated) == [first, third]


def test_no_number_is_given_to_two_secrets(lab: Lab) -> None:
    target, first = lab.create()
    lab.webhooks.rotate(target.id, NOW)
    lab.webhooks.delete_secret(target.id, 2, NOW)

    rotated, third = lab.webhooks.rotate(target.id, NOW)

    assert [secret["n"] for secret in rotated.secrets] == [1, 3]
    assert live_secrets(PREFIX, rotated) == [first, third]


def test_an_endpoint_of_before_secrets_were_counted_is_read(lab: Lab) -> None:
    target, _ = lab.create()
    old = {name: value for name, value in target.to_item().items() if name != "secrets_made"}

    assert Target.from_item(old).newest == 1


def test_of_two_who_change_an_endpoint_at_once_one_is_told_to_try_again(lab: Lab) -> None:
    target, _ = lab.create()
    seen = lab.webhooks.get(target.id)
    lab.webhooks.change(target.id, {"description": "theirs"}, NOW)

    with pytest.raises(Conflict):
        lab.webhooks.store.put(seen)

    assert lab.webhooks.get(target.id).description == "theirs"


def test_a_deleted_endpoint_does_not_come_back_by_a_change_that_was_under_way(lab: Lab) -> None:
    target, _ = lab.create()
    seen = lab.webhooks.get(target.id)
    lab.webhooks.delete(target.id, NOW)

    with pytest.raises(Conflict):
        lab.webhooks.store.put(seen)


def test_a_deleted_endpoint_is_gone_with_its_secrets(lab: Lab) -> None:
    target, _ = lab.create()
    lab.webhooks.delete(target.id, NOW)

    assert secret_values.read_or_empty(secret_name(PREFIX, ACME, target.id)) == {}
    with pytest.raises(NotFound):
        lab.webhooks.get(target.id)


def test_an_integration_that_goes_takes_its_endpoints_along(lab: Lab) -> None:
    lab.create()
    lab.create()
    lab.webhooks.forget()

    assert list(lab.webhooks.store.all()) == []


def test_every_change_is_audited_without_a_secret(lab: Lab) -> None:
    target, secret = lab.create()
    lab.webhooks.change(target.id, {"url": "https://other.example.com/"}, NOW)
    lab.webhooks.rotate(target.id, NOW)
    lab.webhooks.delete(target.id, NOW)

    entries = lab.table.query(f"AUDIT#{ACME}", index="GSI1").items

    assert {entry["action"] for entry in entries} == {
        "webhook.created", "webhook.updated", "webhook.rotated", "webhook.deleted",
    }  # fmt: skip
    assert secret not in str(entries)


def test_there_are_only_so_many_and_one_less_makes_room(lab: Lab) -> None:
    made = [lab.create()[0] for _ in range(MOST_TARGETS)]
    held = len(secrets_of(lab))

    with pytest.raises(Conflict, match=f"{MOST_TARGETS} webhooks"):
        lab.create()
    assert len(secrets_of(lab)) == held
    for _ in range(2):
        lab.webhooks.store.delete(made[0].id)
    lab.create()
    with pytest.raises(Conflict):
        lab.create()


def test_those_who_make_the_last_one_at_the_same_moment_do_not_make_two(lab: Lab) -> None:
    for _ in range(MOST_TARGETS - 1):
        lab.create()
    others = [lab.create]

    def meanwhile(**_: Any) -> None:
        if others:
            others.pop()()

    events = lab.table.client.meta.events
    events.register("before-parameter-build.dynamodb.TransactWriteItems", meanwhile)
    try:
        with pytest.raises(Conflict):
            lab.create()
    finally:
        events.unregister("before-parameter-build.dynamodb.TransactWriteItems", meanwhile)

    assert others == []
    assert len(list(lab.webhooks.store.all())) == MOST_TARGETS


def test_writers_at_the_same_item_are_waited_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coursebridge.webhooks.targets.time.sleep", lambda _seconds: None)
    transact = lab.table.transact
    busy = [1, 1]

    def contended(self: Table, actions: Any) -> None:
        if busy:
            busy.pop()
            raise TransactionRefused(["TransactionConflict", None], [])
        transact(actions)

    monkeypatch.setattr(Table, "transact", contended)
    lab.create()
    busy += [1] * 100

    with pytest.raises(Conflict, match="keep changing"):
        lab.create()
    busy.clear()
    assert len(list(lab.webhooks.store.all())) == len(secrets_of(lab)) == 1


def test_a_table_that_is_busy_is_told_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    target, _ = lab.create()
    kept = secrets_of(lab)

    def throttled(self: Table, actions: Any) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(Table, "transact", throttled)

    with pytest.raises(Unavailable):
        lab.create()
    with pytest.raises(Unavailable):
        lab.webhooks.delete(target.id, NOW)
    assert secrets_of(lab) == kept


def secrets_of(lab: Lab) -> list[str]:
    return [one["Name"] for one in clients.secretsmanager().list_secrets(MaxResults=100)["SecretList"]]


def test_deliveries_are_listed_by_status(lab: Lab) -> None:
    target, _ = lab.create()
    lab.dispatcher.fan_out(bus_event())

    assert len(lab.deliveries(target, "pending")) == 1
    assert lab.deliveries(target, "failed") == []
    with pytest.raises(NotFound):
        lab.webhooks.replay(target.id, "nothing", None, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    ["http://lms.example.com", "ftp://x", "https://", "https://user:pw@lms.example.com", "https://x/#f", "nonsense",
     "https://[::1]/", "https://127.0.0.1/", "https://[fd00::1]", "https://lms.example.com:99999", "https://x:0/",
     "https://169.254.169.254/latest", "https://10.0.0.1", "https://192.168.1.1", "https://240.0.0.1", "https://[fe80::1]",
     "https://localhost/", "https://LOCALHOST.:8443/", "https://lms.localhost/", "https://127.0.0.1./", "https://127.1/",
     "https://2130706433/", "https://0x7f.0.0.1/", "https://[", "https://a..b.example/",
     f"https://{'a' * 64}.example/", f"https://x/{'y' * 2000}"],
)  # fmt: skip
def test_what_must_not_be_called_is_refused(lab: Lab, url: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        lab.create(url=url)

    assert refusal.value.errors[0].field == "url"


def test_what_must_not_be_called_is_refused_when_an_endpoint_is_changed(lab: Lab) -> None:
    target, _ = lab.create()

    with pytest.raises(InvalidRequest, match="not public"):
        lab.webhooks.change(target.id, {"url": "https://localhost/hook"}, NOW)


@pytest.mark.parametrize(
    "url", [URL, "https://93.184.216.34:8443/x", "https://localhost.example.com/", "https://1.example"]
)
def test_public_addresses_are_taken(url: str) -> None:
    check_url(url, inside=False)


def test_on_a_local_stack_this_machine_may_be_called() -> None:
    check_url("http://127.0.0.1:9/x", inside=True)

    assert address_of("http://localhost:9/x", inside=True, lookup=lambda _host, _port: ["127.0.0.1"]) == "127.0.0.1"


def test_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.216.34", 443)), (10, 1, 6, "", ("2606:2800:220:1::1", 443, 0, 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)

    assert look_up("lms.example.com", 443) == ["93.184.216.34", "2606:2800:220:1::1"]


def test_a_secret_made_a_moment_ago_is_read_past_the_cache(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    target, first = lab.create()
    assert live_secrets(PREFIX, target) == [first]
    monkeypatch.setattr(secret_values._provider(), "clear_cache", lambda: None)
    rotated, second = lab.webhooks.rotate(target.id, NOW)

    assert live_secrets(PREFIX, rotated) == [first, second]


def after_the_next_write(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen right after the next write of an endpoint to the table."""
    put = TargetStore.put

    def followed(store: TargetStore, target: Target) -> None:
        monkeypatch.setattr(TargetStore, "put", put)
        put(store, target)
        happens()

    monkeypatch.setattr(TargetStore, "put", followed)


def test_a_secret_that_is_made_while_another_is_deleted_signs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    target, _ = lab.create()
    lab.webhooks.rotate(target.id, NOW)
    made: list[str] = []
    after_the_next_write(monkeypatch, lambda: made.append(lab.webhooks.rotate(target.id, NOW)[1]))

    lab.webhooks.delete_secret(target.id, 1, NOW)

    left = lab.webhooks.get(target.id)
    assert [one["n"] for one in left.secrets] == [2, 3]
    assert made[0] in live_secrets(PREFIX, left)


def test_of_two_rotations_at_once_the_one_whose_secret_would_not_sign_is_refused(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, first = lab.create()
    made: list[str] = []
    after_the_next_write(monkeypatch, lambda: made.append(lab.webhooks.rotate(target.id, NOW)[1]))

    with pytest.raises(Conflict):
        lab.webhooks.rotate(target.id, NOW)

    assert live_secrets(PREFIX, lab.webhooks.get(target.id)) == [first, *made]
