"""Temporary changes to a running stack, undone when the block ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.aws import Clients


@contextmanager
def environment(aws: Clients, function: str, **variables: str) -> Iterator[None]:
    """Set environment variables of a function."""

    def put(values: dict[str, str | None]) -> dict[str, str | None]:
        """Set variables, delete those that are ``None``, and return the previous values."""
        now = dict(aws.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"])
        then = {name: value for name, value in {**now, **values}.items() if value is not None}
        aws.functions.update_function_configuration(FunctionName=function, Environment={"Variables": then})
        return {name: now.get(name) for name in values}

    before = put(dict(variables))
    try:
        yield
    finally:
        put(before)


@contextmanager
def queue(aws: Clients, url: str, **attributes: str) -> Iterator[None]:
    """Set attributes of a queue."""
    wanted: Any = attributes
    names: Any = list(attributes)
    before: Any = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    try:
        yield
    finally:
        aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=before)
