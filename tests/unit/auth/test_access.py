"""A token is accepted only while the secret it was minted from is live."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from cachetools import TTLCache

from coursebridge.auth import wiring
from coursebridge.errors import Unauthorized
from coursebridge.storage import keys

if TYPE_CHECKING:
    from coursebridge.auth.clients import Client
    from unit.auth.conftest import Door

NOW = "2026-01-02T00:00:00.000Z"


def shown(token: str) -> int:
    """Present a valid token, and return the number of the secret it was minted from."""
    return wiring.access().grant(f"Bearer {token}", "learning:read").secret_n


def token_of(door: Door, secret: str) -> str:
    token: str = door.ask(client_secret=secret).json["access_token"]
    return token


def rotated(door: Door, client: Client) -> tuple[Client, str]:
    """Give the client another secret in the table alone, as the admin function does in another process."""
    after, secret = client.with_new_secret(NOW)
    door.table.put(after.to_item())
    return after, secret


def test_a_token_of_a_new_secret_is_good_where_the_client_is_remembered_with_the_old_one(door: Door) -> None:
    old = token_of(door, door.secret)
    assert shown(old) == 1
    remembered = wiring.registry().client(door.client.client_id)
    _, secret = rotated(door, door.client)
    new = token_of(door, secret)
    wiring.registry()._clients[door.client.client_id] = remembered

    assert (shown(new), shown(old)) == (2, 1)


def test_a_token_of_a_revoked_secret_stays_dead_when_the_next_is_made(door: Door) -> None:
    client, secret = rotated(door, door.client)
    dead = token_of(door, secret)
    client = client.without_secret(2)
    client, secret = rotated(door, client)
    alive = token_of(door, secret)

    assert shown(alive) == 3
    with pytest.raises(Unauthorized):
        shown(dead)


def test_a_dead_token_does_not_have_its_client_read_again_and_again(door: Door) -> None:
    client, secret = rotated(door, door.client)
    dead = token_of(door, secret)
    door.table.put(client.without_secret(2).to_item())
    wiring.registry()._clients.clear()
    door.calls.clear()

    for _ in range(3):
        with pytest.raises(Unauthorized):
            shown(dead)

    assert door.calls == {"dynamodb:GetItem": 1}


@pytest.mark.parametrize("ticks", range(1, 8))
def test_what_is_forgotten_between_two_looks_at_it_is_read_again(door: Door, ticks: int) -> None:
    registry, clock = wiring.registry(), count()
    for name in ("_clients", "_integrations"):
        setattr(registry, name, TTLCache(maxsize=8, ttl=ticks, timer=lambda: next(clock)))

    for _ in range(20):
        assert registry.client(door.client.client_id) is not None
        assert registry.integration("there is none") is None
        assert registry.client_and_refusals(door.client.client_id, keys.refusals("nobody"))[0] is not None
