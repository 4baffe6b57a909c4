"""What the API's own description says a call may be answered with, held against what the functions answer in tests."""

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
"""What tests that break something let a function answer."""


def kept_to_description(handler: Handler) -> Handler:
    """Return a handler that fails when it answers a described operation with a status that is not described."""

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
    """Return the operation an event of API Gateway is for, and what it may be answered with."""
    http = event.get("requestContext", {}).get("http")
    if http is None:
        return None
    found = (one for one in _operations() if one[0] == http["method"] and one[1].fullmatch(event["rawPath"]))
    return next(((f"{method} {path.pattern}", statuses) for method, path, statuses in found), None)


@cache
def _operations() -> list[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Return method, path and statuses of every operation; the more literal paths first."""
    paths: dict[str, Any] = json.loads(documents.openapi())["paths"]
    return [
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), frozenset(operation["responses"]))
        for path, item in sorted(paths.items(), key=lambda one: one[0].count("{"))
        for method, operation in item.items()
    ]
