"""Fast JSON for LinkedIn's large answers: orjson, and the standard library for the rare text orjson refuses."""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(text: bytes) -> Any:  # noqa: ANN401  (any JSON)
    """Return what a text says, with a question mark for every half of a surrogate pair.

    Such a half is a character that nobody can store, index or answer.

    Raises:
        ValueError: it is not JSON, or nested more deeply than Python reads.
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
    """Return a value as JSON that does not depend on the order of members."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # An integer of more than 64 bits, or half of a surrogate pair.
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode(errors="surrogatepass")
