"""The environment of a function as typed values, read in one place and only when needed.

Secrets never travel in the environment: what stands here are the ARNs to read them from.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")


class MissingSetting(RuntimeError):
    """A function was deployed without a variable it needs; the text names the variable."""


class Variable(Generic[T]):
    """A field of :class:`Settings`: ``table_name`` is read from ``TABLE_NAME``.

    Args:
        read: makes the value of the variable's text.
        default: the value where the variable is not set or empty; ``None`` for one that its readers cannot do without.
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
            MissingSetting: the function's template block does not set the variable.
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
    """What the functions read from their environment, each variable when it is asked for.

    Args:
        environment: the variables.
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
    """Return the stack's name, for what is made while modules load and must not fix the other settings."""
    return Settings(os.environ).stack_name


def aws_endpoint_url() -> str:
    """Return where AWS is if it is an emulator, else nothing, for a client that is made before the rest is fixed."""
    return Settings(os.environ).aws_endpoint_url


@cache
def settings() -> Settings:
    """Return this process's settings, as they are at the first call."""
    return Settings(dict(os.environ))
