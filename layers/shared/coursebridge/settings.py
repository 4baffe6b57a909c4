"""The environment of a function as typed values, read in one place and only when needed.

The environment never contains secrets, only the ARNs to read them from.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")


class MissingSetting(RuntimeError):
    """A function was deployed without a variable that it needs; the message names the variable."""


class Variable(Generic[T]):
    """A field of :class:`Settings`: ``table_name`` is read from ``TABLE_NAME``.

    Args:
        read: converts the variable's text to the value.
        default: the value if the variable is unset or empty; ``None`` makes the variable required.
    """

    def __init__(self, read: Callable[[str], T], default: T | None = None) -> None:
        self._read = read
        self._default = default
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name.upper()

    def __get__(self, settings: "Settings", _owner: type) -> T:
        """Return the value.

        Raises:
            MissingSetting: the variable is required but not set.
        """
        text = settings.environment.get(self._name)
        if text:
            return self._read(text)
        if self._default is None:
            message = f"the environment variable {self._name} is not set"
            raise MissingSetting(message)
        return self._default


def _is_true(text: str) -> bool:
    return text == "true"


class Settings:
    """The settings of the functions; each variable is read when it is accessed.

    Args:
        environment: the environment variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    table_name = Variable(str)
    bucket_name = Variable(str)
    signing_keys_secret_arn = Variable(str)
    bootstrap_secret_arn = Variable(str)
    pseudonym_secret_arn = Variable(str)
    secret_prefix = Variable(str)
    api_public_url = Variable(str, "")
    linkedin_oauth_url = Variable(str)
    linkedin_api_url = Variable(str)
    event_bus_name = Variable(str)
    catalog_state_machine_arn = Variable(str)
    catalog_function_name = Variable(str)
    purge_function_name = Variable(str)
    activity_state_machine_arn = Variable(str)
    schedule_group_name = Variable(str)
    schedule_role_arn = Variable(str)
    schedule_dead_letter_arn = Variable(str)
    export_queue_url = Variable(str)
    webhook_queue_url = Variable(str)
    webhook_events_arn = Variable(str)
    events_dead_letter_url = Variable(str)
    apply_dead_letter_url = Variable(str)
    local = Variable(_is_true, default=False)
    token_lifetime_seconds = Variable(int, 3600)
    sweep_lost_after_seconds = Variable(int, 900)
    stack_name = Variable(str, "coursebridge")
    aws_endpoint_url = Variable(str, "")


def stack_name() -> str:
    """Return the stack's name without caching the other settings, for use while modules are imported."""
    return Settings(os.environ).stack_name


def aws_endpoint_url() -> str:
    """Return the URL of an AWS emulator, empty for AWS itself, without caching the other settings."""
    return Settings(os.environ).aws_endpoint_url


@cache
def settings() -> Settings:
    """Return this process's settings, as they are at the first call."""
    return Settings(dict(os.environ))
