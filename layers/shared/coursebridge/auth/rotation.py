"""Rotation of the signing keys: the new key signs, and old ones verify until every token they signed has expired.

The four steps are those of Secrets Manager's rotation functions (its ``SecretsManagerRotationTemplate``); each is safe
to repeat. Functions need no notice: they read the secret again every five minutes, and at once when a token names an
unknown key (``auth.signing``).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from coursebridge.auth.signing import SigningKey, SigningKeys, keys_from_secret
from coursebridge.auth.tokens import Grant, Tokens
from coursebridge.clock import parse_rfc3339, rfc3339, utc_now
from coursebridge.secret_values import MAX_AGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
KEY_CHARACTERS = 64
MARGIN = timedelta(minutes=10)


class RotationRefused(Exception):
    """The new keys are not acceptable or were not requested; the current ones stay."""


def with_new_key(keys: Sequence[SigningKey], now: datetime, token_lifetime: timedelta) -> tuple[SigningKey, ...]:
    """Return the keys plus a new one, without those that cannot have signed any token that is still valid.

    A key signs until its successor is created, and a little longer in functions that have cached the secret.

    Args:
        keys: the current keys, oldest first.
        now: when the new key is created.
        token_lifetime: how long a token is valid.
    """
    new = SigningKey(secrets.token_hex(4), secrets.token_urlsafe(KEY_CHARACTERS)[:KEY_CHARACTERS], rfc3339(now))
    last_use = token_lifetime + timedelta(seconds=MAX_AGE_SECONDS) + MARGIN
    successors = [*keys[1:], new]
    alive = [key for key, after in zip(keys, successors, strict=True) if _made_at(after, now) + last_use > now]
    return (*alive, new)


def _made_at(key: SigningKey, now: datetime) -> datetime:
    """Return when a key was created, or ``now`` for CloudFormation's key, which has no time and succeeds no other."""
    return parse_rfc3339(key.created_at) if key.created_at else now


@dataclass(frozen=True)
class Rotation:
    """Rotates the keys in one secret.

    Attributes:
        client: Secrets Manager.
        secret_id: the secret's ARN.
        token_lifetime: how long a token is valid.
        now: the clock.
    """

    client: SecretsManagerClient
    secret_id: str
    token_lifetime: timedelta
    now: Callable[[], datetime] = utc_now

    def take(self, step: str, version: str) -> None:
        """Take one step of a rotation.

        Args:
            step: one of :data:`STEPS`.
            version: the id of the secret's new version, which Secrets Manager has staged as ``AWSPENDING``.

        Raises:
            RotationRefused: the new keys are not acceptable, or the version is not staged.
            Unauthorized: a token does not verify with the new keys.
        """
        stages = self._stages().get(version, [])
        if CURRENT in stages:
            return
        if PENDING not in stages:
            raise RotationRefused(f"the version {version} is not staged as {PENDING}")
        {
            "createSecret": self._create,
            "setSecret": lambda _version: None,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }[step](version)

    def _create(self, version: str) -> None:
        if self._has_value(version):
            return
        keys = with_new_key(self._keys(CURRENT), self.now(), self.token_lifetime)
        value = {"keys": [vars(key) for key in keys]}
        self.client.put_secret_value(
            SecretId=self.secret_id,
            ClientRequestToken=version,
            SecretString=json.dumps(value),
            VersionStages=[PENDING],
        )

    def _has_value(self, version: str) -> bool:
        """Return whether a pending version has a value: Secrets Manager stages it empty, before the first step."""
        try:
            answer = self.client.get_secret_value(SecretId=self.secret_id, VersionId=version, VersionStage=PENDING)
        except self.client.exceptions.ResourceNotFoundException:
            return False
        # Where AWS raises an error, the embedded stack answers without a value.
        return "SecretString" in answer

    def _test(self, version: str) -> None:
        """Check that tokens signed with each key verify with the new keys, before any function depends on them.

        When a schedule is set without a rotation (``RotateImmediatelyOnUpdate: false``), Secrets Manager takes only
        this step, on a temporary version that holds the current value.
        """
        new, present = self._keys(PENDING, version), self._keys(CURRENT)
        verifying = _tokens(new)
        grant = Grant("rotation", 1, None, frozenset())
        kept = [key for key in present if key in new]
        if new != present and (new[-1] in present or not kept):
            raise RotationRefused("the new version lacks a new key, or the key in use")
        for key in {*kept, new[-1]}:
            verifying.verify(_tokens([key]).mint(grant))

    def _finish(self, version: str) -> None:
        current = next(known for known, stages in self._stages().items() if CURRENT in stages)
        self.client.update_secret_version_stage(
            SecretId=self.secret_id, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
        )

    def _stages(self) -> dict[str, list[str]]:
        return dict(self.client.describe_secret(SecretId=self.secret_id)["VersionIdsToStages"])

    def _keys(self, stage: str, version: str = "") -> tuple[SigningKey, ...]:
        request: dict[str, Any] = {"SecretId": self.secret_id, "VersionStage": stage}
        if version:
            request["VersionId"] = version
        return keys_from_secret(json.loads(self.client.get_secret_value(**request)["SecretString"]))


def _tokens(keys: Sequence[SigningKey]) -> Tokens:
    """Return a :class:`Tokens` that mints with the last of these keys and verifies with any."""
    value = {"keys": [vars(key) for key in keys]}
    return Tokens(SigningKeys(lambda **_options: value), "rotation")
