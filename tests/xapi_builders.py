"""Builders of valid statements and of the requests that carry them."""

from __future__ import annotations

import json
import uuid
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode

PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
PROGRESSED = "http://adlnet.gov/expapi/verbs/progressed"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


def statement(**members: Any) -> dict[str, Any]:
    """Return a completion as LinkedIn sends it; ``members`` replace its own, and ``None`` removes one."""
    base: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "timestamp": "2021-08-22T19:49:27.605Z",
        "actor": {"objectType": "Agent", "mbox": "mailto:learner@example.com"},
        "verb": {"id": COMPLETED, "display": {"en-US": "COMPLETED"}},
        "object": {
            "objectType": "Activity",
            "id": "urn:li:lyndaCourse:252",
            "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
        },
        "result": {"completion": True, "duration": "PT4M30S", "extensions": {PROGRESS: "100"}},
    }
    return {name: value for name, value in {**base, **members}.items() if value is not None}


def voiding(target: str, **members: Any) -> dict[str, Any]:
    """Return a statement that voids another one."""
    return statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}, result=None, **members)


def changed(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the member at a dotted path replaced, added, or (with ``...``) removed."""
    copy = deepcopy(whole)
    *way, last = path.split(".")
    place = copy
    for name in way:
        place = place.setdefault(name, {})
    if value is ...:
        place.pop(last, None)
    else:
        place[last] = value
    return copy


def request(
    method: str,
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    **event: Any,
) -> dict[str, Any]:
    """Return an API Gateway event (payload 2.0); a body that is not a string is sent as JSON."""
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
    return {
        "version": "2.0",
        "routeKey": "ANY /xapi/{proxy+}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "domainName": "api.example.com",
            "http": http,
            "requestId": "request-1",
            "stage": "$default",
        },
        **({"body": text} if text is not None else {}),
        "isBase64Encoded": False,
        **event,
    }
