"""Check that functions answer in tests only with statuses that the OpenAPI document describes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from coursebridge.admin import documents

Handler = Callable[..., Any]
Event = dict[str, Any]
UNEXPECTED = frozenset({"500"})
"""Undescribed statuses that are accepted, because some tests break something on purpose."""


def kept_to_description(handler: Handler) -> Handler:
    """Wrap a handler to fail when it answers a described operation with an undescribed status."""

    @wraps(handler)
    def handle(*args: Any) -> Any:
        answer = handler(*args)
        operation = _operation(args[0]) if args and isinstance(args[0], dict) else None
        if operation:
            name, statuses = operation
            status = str(answer["statusCode"])
            assert status in statuses | UNEXPECTED, f"{name} answers {status}: {answer['body']}"
        return answer

    return handle


def _operation(event: Event) -> tuple[str, frozenset[str]] | None:
    """Return the name of the operation that an API Gateway event calls, and its described statuses."""
    http = event.get("requestContext", {}).get("http")
    if http is None:
        return None
    found = (one for one in _operations() if one[0] == http["method"] and one[1].fullmatch(event["rawPath"]))
    return next(((f"{method} {path.pattern}", statuses) for method, path, statuses in found), None)


@cache
def _operations() -> list[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Return the method, path and statuses of every operation; paths with fewer parameters first."""
    paths: dict[str, Any] = json.loads(documents.openapi())["paths"]
    return [
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), frozenset(operation["responses"]))
        for path, item in sorted(paths.items(), key=lambda one: one[0].count("{"))
        for method, operation in item.items()
    ]
