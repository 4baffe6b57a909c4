"""The environment of a function as a frozen, typed value, read in one place and only when needed.

Secrets never travel in the environment: what stands here are the ARNs to read them from.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Self


class MissingSetting(RuntimeError):
    """A function was deployed without a variable it needs; the text names the variable."""


@dataclass(frozen=True)
class Settings:
    """What the functions read from their environment.

    A field ``table_name`` is read from ``TABLE_NAME``. A function that touches a field its template block does
    not set gets :class:`MissingSetting` with the variable's name.
    """

    table_name: str = ""
    bucket_name: str = ""
    signing_keys_secret_arn: str = ""
    bootstrap_secret_arn: str = ""
    pseudonym_secret_arn: str = ""
    secret_prefix: str = ""
    api_public_url: str = ""
    linkedin_oauth_url: str = ""
    linkedin_api_url: str = ""
    event_bus_name: str = ""
    catalog_state_machine_arn: str = ""
    catalog_function_name: str = ""
    purge_function_name: str = ""
    activity_state_machine_arn: str = ""
    schedule_group_name: str = ""
    schedule_role_arn: str = ""
    schedule_dead_letter_arn: str = ""
    export_queue_url: str = ""
    webhook_queue_url: str = ""
    webhook_events_arn: str = ""
    events_dead_letter_url: str = ""
    apply_dead_letter_url: str = ""
    local: str = "false"
    token_lifetime_seconds: int = 3600
    sweep_lost_after_seconds: int = 900
    stack_name: str = "coursebridge"
    aws_endpoint_url: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every field that the environment has; the others keep their default."""
        values: dict[str, str | int] = {}
        for field in fields(cls):
            text = environment.get(field.name.upper())
            if text is not None:
                values[field.name] = int(text) if field.type is int else text
        return cls(**values)  # type: ignore[arg-type]

    def need(self, name: str) -> str:
        """Return the text setting of this name.

        Raises:
            MissingSetting: the function's template block does not set it.
        """
        value = getattr(self, name)
        if not value:
            message = f"the environment variable {name.upper()} is not set"
            raise MissingSetting(message)
        return str(value)


def stack_name() -> str:
    """Return the stack's name, for what is made while modules load and must not fix the other settings."""
    return Settings.from_environment(os.environ).stack_name


def aws_endpoint_url() -> str:
    """Return where AWS is if it is an emulator, else nothing, for a client that is made before the rest is fixed."""
    return Settings.from_environment(os.environ).aws_endpoint_url


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return Settings.from_environment(os.environ)
