"""The signing keys are rotated while tokens are minted and verified all the time."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import rotate_keys_handler
from coursebridge import secret_values
from coursebridge.auth.rotation import STEPS, Rotation, RotationRefused, with_new_key
from coursebridge.auth.signing import SigningKey, SigningKeys
from coursebridge.auth.tokens import Grant, Tokens
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Unauthorized
from coursebridge.settings import settings
from unit.conftest import Context

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

HOUR = timedelta(hours=1)
GRANT = Grant("client-1", 1, None, frozenset({"learning:read"}))


@pytest.fixture
def secret(deployed: Table) -> str:
    return str(boto3.client("secretsmanager").describe_secret(SecretId="signing")["ARN"])


def keys(secret: str) -> list[dict[str, str]]:
    value = secret_values.read(secret, fresh=True)
    return list(value.get("keys", [value]))


def function() -> Tokens:
    """What one function minted with or verified with, with a memory of its own."""
    remembered: dict[str, Any] = {}
    name = settings().signing_keys_secret_arn

    def read(*, fresh: bool = False) -> dict[str, Any]:
        if fresh or not remembered:
            remembered.update(value=secret_values.read(name, fresh=True))
        found: dict[str, Any] = remembered["value"]
        return found

    return Tokens(SigningKeys(read), "coursebridge")


def test_no_token_is_refused_at_any_step_of_a_rotation(secret: str) -> None:
    minting, verifying, version = function(), function(), str(uuid.uuid4())
    minted = [minting.mint(GRANT)]
    verifying.verify(minted[0])

    for step in STEPS:
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
        rotate_keys_handler.lambda_handler(event, Context())  # type: ignore[arg-type]
        minted += [minting.mint(GRANT), function().mint(GRANT)]
        assert {verifying.verify(token) for token in minted} == {GRANT}
        assert {function().verify(token) for token in minted} == {GRANT}

    assert len(keys(secret)) == 2


def test_after_a_rotation_the_new_key_signs(secret: str) -> None:
    before = keys(secret)[-1]["kid"]
    Rotation(boto3.client("secretsmanager"), secret, HOUR).rotate()

    after = keys(secret)
    assert [key["kid"] for key in after[:-1]] == [before]
    assert function().keys.newest().kid == after[-1]["kid"] != before
    assert len(after[-1]["key"]) == 64


def test_a_key_goes_when_no_token_of_it_can_live(secret: str) -> None:
    start = utc_now()
    kids: list[list[str]] = []
    for hours in (0, 1, 2, 3):
        now = partial(start.__add__, hours * HOUR)
        Rotation(boto3.client("secretsmanager"), secret, HOUR, now).rotate()
        kids.append([key["kid"] for key in keys(secret)])

    assert [len(present) for present in kids] == [2, 3, 3, 3]
    assert kids[3][0] == kids[1][-1]


def test_the_key_in_use_stays_however_old_it_is() -> None:
    now = utc_now()
    old = SigningKey("old", "k", rfc3339(now - 1000 * HOUR))

    assert next(key.kid for key in with_new_key([old], now, HOUR)) == "old"


def test_a_step_that_is_repeated_does_nothing_more(secret: str) -> None:
    rotation, version = Rotation(boto3.client("secretsmanager"), secret, HOUR), str(uuid.uuid4())
    for step in (step for step in STEPS for _ in range(2)):
        rotation.take(step, version)

    assert len(keys(secret)) == 2


@pytest.mark.parametrize("broken", [[], ["new"], ["present"]])
def test_keys_that_would_refuse_tokens_do_not_come_into_force(secret: str, broken: list[str]) -> None:
    client, version = boto3.client("secretsmanager"), str(uuid.uuid4())
    present = keys(secret)[0]
    known = {"present": present, "new": {"kid": "new", "key": "n" * 64}}
    value = {"keys": [known[name] for name in broken] or [{"kid": "other", "key": "o" * 64}]}
    client.put_secret_value(
        SecretId=secret, ClientRequestToken=version, SecretString=json.dumps(value), VersionStages=["AWSPENDING"]
    )

    with pytest.raises(RotationRefused):
        Rotation(client, secret, HOUR).take("testSecret", version)


def test_a_token_of_a_key_that_is_gone_is_refused(secret: str) -> None:
    token = function().mint(GRANT)
    for hours in (0, 2):
        now = partial(utc_now().__add__, hours * HOUR)
        Rotation(boto3.client("secretsmanager"), secret, HOUR, now).rotate()

    with pytest.raises(Unauthorized):
        function().verify(token)
