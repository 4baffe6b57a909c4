"""The signing keys are rotated while tokens are being minted and verified."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

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
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.storage.table import Table

HOUR = timedelta(hours=1)
GRANT = Grant("client-1", 1, None, frozenset({"learning:read"}))


@pytest.fixture
def secret(deployed: Table) -> str:
    return str(boto3.client("secretsmanager").describe_secret(SecretId="signing")["ARN"])


def staged(secret: str, value: dict[str, Any] | None = None) -> str:
    """Stage a version as Secrets Manager does, empty for a rotation, with a value for a test; return its id."""
    version = str(uuid.uuid4())
    held = secretsmanager_backends[DEFAULT_ACCOUNT_ID][boto3.Session().region_name].secrets[secret]
    assert isinstance(held, FakeSecret)
    held.remove_version_stages_from_old_versions(["AWSPENDING"])
    held.versions[version] = {"version_id": version, "createdate": 0, "version_stages": ["AWSPENDING"]}
    if value:
        held.versions[version]["secret_string"] = json.dumps(value)
    return version


def rotate(secret: str, now: Callable[[], datetime] = utc_now) -> None:
    version = staged(secret)
    for step in STEPS:
        Rotation(boto3.client("secretsmanager"), secret, HOUR, now).take(step, version)


def keys(secret: str) -> list[dict[str, str]]:
    value = secret_values.read(secret, fresh=True)
    return list(value.get("keys", [value]))


def function() -> Tokens:
    """Return the tokens of one function, which caches the signing keys for itself."""
    remembered: dict[str, Any] = {}
    name = settings().signing_keys_secret_arn

    def read(*, fresh: bool = False) -> dict[str, Any]:
        if fresh or not remembered:
            remembered.update(value=secret_values.read(name, fresh=True))
        found: dict[str, Any] = remembered["value"]
        return found

    return Tokens(SigningKeys(read), "coursebridge")


def test_no_token_is_refused_at_any_step_of_a_rotation(secret: str) -> None:
    minting, verifying, version = function(), function(), staged(secret)
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
    rotate(secret)

    after = keys(secret)
    assert [key["kid"] for key in after[:-1]] == [before]
    assert function().keys.newest().kid == after[-1]["kid"] != before
    assert len(after[-1]["key"]) == 64


def test_a_key_goes_when_no_token_of_it_can_live(secret: str) -> None:
    start = utc_now()
    kids: list[list[str]] = []
    for hours in (0, 1, 2, 3):
        now = partial(start.__add__, hours * HOUR)
        rotate(secret, now)
        kids.append([key["kid"] for key in keys(secret)])

    assert [len(present) for present in kids] == [2, 3, 3, 3]
    assert kids[3][0] == kids[1][-1]


def test_the_key_in_use_stays_however_old_it_is() -> None:
    now = utc_now()
    old = SigningKey("old", "k", rfc3339(now - 1000 * HOUR))

    assert next(key.kid for key in with_new_key([old], now, HOUR)) == "old"


def test_a_step_that_is_repeated_does_nothing_more(secret: str) -> None:
    rotation, version = Rotation(boto3.client("secretsmanager"), secret, HOUR), staged(secret)
    for step in (step for step in STEPS for _ in range(2)):
        rotation.take(step, version)

    assert len(keys(secret)) == 2


def test_a_repeated_rotation_does_nothing_more(secret: str) -> None:
    rotation, version = Rotation(boto3.client("secretsmanager"), secret, HOUR), staged(secret)
    for step in (*STEPS, *STEPS):
        rotation.take(step, version)

    assert len(keys(secret)) == 2


def test_a_rotation_is_tried_out_on_the_present_keys(secret: str) -> None:
    Rotation(boto3.client("secretsmanager"), secret, HOUR).take("testSecret", staged(secret, keys(secret)[0]))

    assert len(keys(secret)) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_version_nobody_has_staged_is_left_alone(secret: str, step: str) -> None:
    with pytest.raises(RotationRefused, match="AWSPENDING"):
        Rotation(boto3.client("secretsmanager"), secret, HOUR).take(step, str(uuid.uuid4()))

    assert len(keys(secret)) == 1


@pytest.mark.parametrize("broken", [["other"], ["new"], ["new", "present"]])
def test_keys_that_would_refuse_tokens_do_not_come_into_force(secret: str, broken: list[str]) -> None:
    known = {name: {"kid": name, "key": name[0] * 64} for name in ("new", "other")} | {"present": keys(secret)[0]}
    version = staged(secret, {"keys": [known[name] for name in broken]})

    with pytest.raises(RotationRefused):
        Rotation(boto3.client("secretsmanager"), secret, HOUR).take("testSecret", version)


def test_a_token_of_a_key_that_is_gone_is_refused(secret: str) -> None:
    token = function().mint(GRANT)
    for hours in (0, 2):
        now = partial(utc_now().__add__, hours * HOUR)
        rotate(secret, now)

    with pytest.raises(Unauthorized):
        function().verify(token)
