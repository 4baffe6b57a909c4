"""Clients over the API: creating, rotating and revoking them; and the first one, which begins outside the table."""

from __future__ import annotations

from typing import Any

import pytest

from coursebridge.admin import wiring as wiring_of_admin
from coursebridge.auth import wiring
from coursebridge.auth.administration import Clients
from coursebridge.auth.clients import Client, matching_secret
from coursebridge.auth.tokens import Grant
from coursebridge.errors import Conflict, NotFound, Unavailable
from coursebridge.storage import keys
from coursebridge.storage import wiring as storage_wiring
from coursebridge.storage.table import ConditionFailed, TransactionRefused
from unit.admin.conftest import Api


def client(api: Api, **settings: Any) -> Any:
    return api.ask("POST", "/admin/clients", {"name": "LMS", "scopes": ["learning:read"], **settings}, expect=201)


def secret_n(api: Api, client_id: str, secret: str) -> int | None:
    """Return the number of the client's live secret with this value."""
    wiring.registry()._clients.clear()
    return matching_secret(wiring.registry().client(client_id), client_id, secret)


def test_a_client_is_made_with_a_secret_that_is_shown_this_once(api: Api) -> None:
    integration_id = api.integration()["id"]
    made = client(api, integration_id=integration_id, scopes=["learning:write", "learning:read"])

    assert (made["scopes"], made["integration_id"]) == (["learning:read", "learning:write"], integration_id)
    assert [secret["n"] for secret in made["secrets"]] == [1]
    assert secret_n(api, made["client_id"], made["client_secret"]) == 1
    assert "client_secret" not in api.ask("GET", f"/admin/clients/{made['client_id']}")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["moon"]}, "scopes[0]"),
        ({"integration_id": "nowhere"}, "integration_id"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_wrong_client_is_refused_with_the_field(api: Api, settings: Any, field: str) -> None:
    answer = api.send("POST", "/admin/clients", {"scopes": ["learning:read"], **settings})

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, field)


def test_a_client_that_sends_statements_belongs_to_one_integration(api: Api) -> None:
    assert api.send("POST", "/admin/clients", {"scopes": ["xapi:read"]}).status == 400
    assert client(api, scopes=["xapi:read"], integration_id=api.integration()["id"])["scopes"] == ["xapi:read"]


def test_two_secrets_live_at_once_and_a_third_ends_the_oldest(api: Api) -> None:
    made = client(api)
    path = f"/admin/clients/{made['client_id']}"
    second, third = api.ask("POST", f"{path}/rotate"), api.ask("POST", f"{path}/rotate")

    assert [secret["n"] for secret in third["secrets"]] == [2, 3]
    assert secret_n(api, made["client_id"], made["client_secret"]) is None
    assert secret_n(api, made["client_id"], second["client_secret"]) == 2
    assert secret_n(api, made["client_id"], third["client_secret"]) == 3


def test_a_secret_is_revoked_by_its_number_but_never_the_last_one(api: Api) -> None:
    path = f"/admin/clients/{client(api)['client_id']}"
    api.ask("POST", f"{path}/rotate")

    api.ask("DELETE", f"{path}/secrets/1", expect=204)

    assert [secret["n"] for secret in api.ask("GET", path)["secrets"]] == [2]
    assert api.send("DELETE", f"{path}/secrets/2").status == 409
    assert api.send("DELETE", f"{path}/secrets/7").status == 404


def test_a_revoked_client_is_gone(api: Api) -> None:
    made = client(api)
    api.ask("DELETE", f"/admin/clients/{made['client_id']}", expect=204)

    assert secret_n(api, made["client_id"], made["client_secret"]) is None
    for method, path in (("GET", ""), ("POST", "/rotate"), ("DELETE", "")):
        assert api.send(method, f"/admin/clients/{made['client_id']}{path}").status == 404


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1]), (4, [4]), (50, [4])], ids=str
)
def test_clients_are_listed_in_full_pages_without_linkedins_and_revoked_ones(
    api: Api, limit: int, sizes: list[int]
) -> None:
    for n in range(3):
        api.integration()
        client(api, name=f"LMS {n}")
        revoked = client(api)["client_id"]
        api.table.update(keys.client(revoked), "SET secrets = :none", {":none": []})
    api.integration()

    pages: list[Any] = [api.ask("GET", "/admin/clients", query={"limit": str(limit)})]
    while pages[-1]["next"]:
        pages.append(api.ask("GET", "/admin/clients", query={"limit": str(limit), "cursor": pages[-1]["next"]}))

    listed = [one["name"] for page in pages for one in page["items"]]
    assert listed == ["First admin client, made by the stack", "LMS 0", "LMS 1", "LMS 2"]
    assert [len(page["items"]) for page in pages] == sizes


def test_the_first_client_alone_is_one_page(api: Api) -> None:
    api.integration()

    assert api.ask("GET", "/admin/clients", query={"limit": "1"})["next"] is None


def test_linkedins_client_is_administered_with_its_integration(api: Api) -> None:
    client_id = api.integration()["webhook"]["client_id"]

    assert api.send("POST", f"/admin/clients/{client_id}/rotate").status == 409
    assert api.send("DELETE", f"/admin/clients/{client_id}").status == 409


def test_the_first_client_keeps_its_first_secret_until_that_is_revoked(api: Api) -> None:
    rotated = api.ask("POST", "/admin/clients/first/rotate")

    assert secret_n(api, "first", "first-secret") == 1
    assert secret_n(api, "first", rotated["client_secret"]) == 2
    api.ask("DELETE", "/admin/clients/first/secrets/1", expect=204)
    assert secret_n(api, "first", "first-secret") is None
    assert secret_n(api, "first", rotated["client_secret"]) == 2
    assert api.send("GET", "/admin/clients").status == 401
    grant = Grant("first", 2, None, frozenset({"admin:read"}))
    listed = Api(api.table, wiring.tokens().mint(grant)).ask("GET", "/admin/clients")["items"]
    assert [one["client_id"] for one in listed] == ["first"]


def test_the_last_client_that_administers_everything_stays(api: Api) -> None:
    client(api, scopes=["admin:write"], integration_id=api.integration()["id"])

    assert api.send("DELETE", "/admin/clients/first").status == 409
    another = client(api, scopes=["admin:read", "admin:write"])
    api.ask("DELETE", "/admin/clients/first", expect=204)
    assert secret_n(api, "first", "first-secret") is None
    listed = api.as_client({"admin:read"}, client_id=another["client_id"]).ask("GET", "/admin/clients")["items"]
    assert another["client_id"] in {one["client_id"] for one in listed}


@pytest.mark.parametrize("mine", ["first", "another"])
def test_of_the_last_two_that_delete_each_other_at_once_one_stays(
    api: Api, monkeypatch: pytest.MonkeyPatch, mine: str
) -> None:
    ids = {"first": "first", "another": client(api, scopes=["admin:read", "admin:write"])["client_id"]}
    theirs = ids[{"first": "another", "another": "first"}[mine]]
    clients = wiring_of_admin.clients()
    transact = storage_wiring.table().transact
    others: list[Client] = []

    def transact_after_somebody_else(*arguments: Any) -> None:
        if not others:
            others.append(clients.get(theirs))
            clients.remove(theirs)
        transact(*arguments)

    monkeypatch.setattr(storage_wiring.table(), "transact", transact_after_somebody_else)

    with pytest.raises(Conflict, match="the last client that can administer everything"):
        clients.remove(ids[mine])
    assert clients.get(ids[mine]).secrets
    with pytest.raises(NotFound):
        clients.get(theirs)


def test_a_client_that_was_deleted_a_moment_ago_does_not_count_as_another(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = client(api, scopes=["admin:read", "admin:write"])["client_id"]
    clients = wiring_of_admin.clients()
    listed = [clients.get(another)]
    clients.remove(another)
    monkeypatch.setattr(Clients, "_others", lambda *_: iter(listed))

    with pytest.raises(Conflict, match="the last client that can administer everything"):
        clients.remove("first")


def test_two_admins_at_once_both_get_theirs_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = client(api)
    clients = wiring_of_admin.clients()
    put = storage_wiring.table().put
    others: list[str] = []

    def put_after_somebody_else(*arguments: Any, **options: Any) -> None:
        if not others:
            others.append("rotating")
            others.append(clients.rotate(made["client_id"])[1])
        put(*arguments, **options)

    monkeypatch.setattr(storage_wiring.table(), "put", put_after_somebody_else)
    rotated, mine = clients.rotate(made["client_id"])

    assert [secret.n for secret in rotated.secrets] == [2, 3]
    assert secret_n(api, made["client_id"], others[1]) == 2
    assert secret_n(api, made["client_id"], mine) == 3


def test_a_client_that_never_stops_changing_is_reported_as_busy(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = client(api)

    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConditionFailed({})

    monkeypatch.setattr(storage_wiring.table(), "put", refuse)

    answer = api.send("POST", f"/admin/clients/{made['client_id']}/rotate")
    assert (answer.status, answer.json["code"]) == (503, Unavailable.code)


@pytest.mark.parametrize("refusal", [TransactionRefused(["ConditionalCheckFailed"], [{}]), Unavailable("busy")])
def test_a_client_that_cannot_be_deleted_now_is_reported_as_busy_and_stays(
    api: Api, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    client_id = client(api)["client_id"]

    def refuse(*_arguments: Any) -> None:
        raise refusal

    monkeypatch.setattr(storage_wiring.table(), "transact", refuse)

    answer = api.send("DELETE", f"/admin/clients/{client_id}")
    assert (answer.status, answer.json["code"]) == (503, Unavailable.code)
    assert api.ask("GET", f"/admin/clients/{client_id}")["secrets"]


def test_what_is_done_to_clients_is_noted_without_secrets(api: Api) -> None:
    made = client(api)
    api.ask("POST", f"/admin/clients/{made['client_id']}/rotate")
    api.ask("DELETE", f"/admin/clients/{made['client_id']}/secrets/1", expect=204)
    api.ask("DELETE", f"/admin/clients/{made['client_id']}", expect=204)

    noted = api.ask("GET", "/admin/audit")["items"]

    assert [entry["action"] for entry in noted] == [
        "client.deleted", "client.secret_deleted", "client.rotated", "client.created",
    ]  # fmt: skip
    assert noted[1]["changes"] == [{"field": "live", "from": [1, 2], "to": [2]}]
