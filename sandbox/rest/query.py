"""Query parameters in the notation of Rest.li 1.0, and the `fields` projection."""

import re
from collections import deque
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import parse_qsl, quote

from sandbox.errors import ApiError
from sandbox.settings import Json

Projection: TypeAlias = dict[str, "Projection | None"]

_INDEXED = re.compile(r"(?P<name>[^\[\]]+)\[(?P<index>\d+)\](?:\.(?P<member>.+))?")
MOST_DIGITS = 18
"""Maximum number of digits of a number, so that it fits LinkedIn's `long`."""
_MARKS = "(),:"
_WORD = re.compile(r"[(),:]|[^(),:]+")
_TRUTH = {"true": True, "false": False}


class Query:
    """The parameters of one call; brackets may be percent-encoded."""

    def __init__(self, query_string: str) -> None:
        self.parameters = dict(parse_qsl(query_string, keep_blank_values=True))

    def text(self, name: str) -> str:
        """Return a parameter, or an empty string if it was not sent."""
        return self.parameters.get(name, "")

    def number(self, name: str, default: int | None = None) -> int:
        """Return a parameter that is a number, zero or more.

        Raises:
            ApiError: 400, the parameter is not such a number, or it is missing and has no default.
        """
        value = self.parameters.get(name)
        if value is None and default is not None:
            return default
        if value is None or not value.isdecimal() or len(value) > MOST_DIGITS:
            raise ApiError(400, f"Parameter '{name}' is invalid: {value!r} is not a number", 100)
        return int(value)

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, or False if it was not sent; as at LinkedIn, it has to be in lower case.

        Raises:
            ApiError: 400, the parameter is neither `true` nor `false`.
        """
        value = self.parameters.get(name, "false")
        if value not in _TRUTH:
            raise ApiError(400, f"Parameter '{name}' is invalid: {value!r} is not a boolean", 100)
        return _TRUTH[value]

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of `name[0]`, `name[1]`, and so on."""
        return tuple(value for _, _, value in sorted(self._indexed(name)))

    def records(self, name: str) -> list[dict[str, str]]:
        """Return `name[0].a`, `name[0].b`, and so on as one record per index."""
        found: dict[int, dict[str, str]] = {}
        for index, member, value in sorted(self._indexed(name)):
            found.setdefault(index, {})[member] = value
        return list(found.values())

    def locale(self, name: str) -> str:
        """Return `name.language` and `name.country` in the form `en_US`, or an empty string if neither was sent."""
        return "_".join(filter(None, (self.text(f"{name}.language"), self.text(f"{name}.country"))))

    def _indexed(self, name: str) -> Iterator[tuple[int, str, str]]:
        for key, value in self.parameters.items():
            match = _INDEXED.fullmatch(key)
            if match and match["name"] == name:
                yield int(match["index"]), match["member"] or "", value

    def href(self, path: str, start: int) -> str:
        """Return the link to another page: relative, with parameters sorted by name and brackets not encoded."""
        parameters = sorted((self.parameters | {"start": str(start)}).items())
        return f"{path}?" + "&".join(f"{name}={quote(value, safe=':,()*$')}" for name, value in parameters)


def projection(fields: str) -> Projection:
    """Parse a projection such as `urn,title:(value)` into nested names.

    Raises:
        ApiError: 400, the projection is malformed.
    """
    words = deque(_WORD.findall(fields.replace(" ", "")))
    wanted = _members(words)
    if words:
        raise _invalid_projection(words)
    return wanted


def _members(words: deque[str]) -> Projection:
    """Consume names up to a closing parenthesis or the end."""
    wanted: Projection = {}
    while words and words[0] != ")":
        name = words.popleft()
        if name in _MARKS:
            raise _invalid_projection(words)
        wanted[name] = _inner(words)
        if words and words[0] == ",":
            words.popleft()
    return wanted


def _inner(words: deque[str]) -> Projection | None:
    """Consume `:(...)` after a name, if there is one."""
    if not words or words[0] != ":":
        return None
    words.popleft()
    if not words or words.popleft() != "(":
        raise _invalid_projection(words)
    inner = _members(words)
    if not words or words.popleft() != ")":
        raise _invalid_projection(words)
    return inner


def _invalid_projection(words: deque[str]) -> ApiError:
    return ApiError(400, f"Invalid projection, before: {''.join(words) or 'its end'}", 100)


def project(element: Json, wanted: Projection) -> Json:
    """Return only the wanted fields of an element; in a list, those of every item (with or without `$*`)."""
    return {
        name: _member(element[name], inner) if inner else element[name]
        for name, inner in wanted.items()
        if name in element
    }


def _member(value: object, wanted: Projection) -> object:
    if isinstance(value, list):
        items = wanted.get("$*", wanted)
        return [_member(item, items) if items else item for item in value]
    return project(value, wanted) if isinstance(value, dict) else value
