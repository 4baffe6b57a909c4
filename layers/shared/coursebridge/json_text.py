"""Fast JSON for LinkedIn's large responses: orjson, with the standard library for what orjson rejects."""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(text: bytes) -> Any:  # noqa: ANN401  (any JSON)
    """Parse a JSON text, replacing every lone surrogate by a question mark.

    A lone surrogate cannot be encoded, so it could not be stored, indexed or sent.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply for Python.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _leniently(text)


def _leniently(text: bytes) -> Any:  # noqa: ANN401  (any JSON)
    try:
        value = json.loads(text)
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except RecursionError as error:
        raise ValueError("the text is nested too deeply") from error


def canonical(value: Any) -> bytes:  # noqa: ANN401  (any JSON)
    """Return a value as JSON that does not depend on the order of its members."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # An integer of more than 64 bits, or a lone surrogate.
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode(errors="surrogatepass")
