"""Presents a stored statement: what was received, and what the LRS adds (xAPI 1.0.3, Data 2.4).

``exact`` copies the texts that were sent; the other formats reduce them. Numbers keep their spelling in all of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coursebridge.xapi.comparison import CONTEXT_ACTIVITIES
from coursebridge.xapi.verbatim import decoded, encoded, members, object_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coursebridge.xapi.query import Format

AGENT_IDS = ("objectType", "mbox", "mbox_sha1sum", "openid", "account")
NULL = "null"
LANGUAGE_MAPS = frozenset({"display", "name", "description"})


def statement_text(
    item: Mapping[str, Any], authority_home: str, format_: Format = "exact", languages: Sequence[str] = ()
) -> str:
    """Return the JSON text of a stored statement.

    Args:
        item: its table item.
        authority_home: the URL of the token endpoint, the home page of the sending client's account (Data 2.4.9).
        format_: ``exact``, ``ids`` or ``canonical`` (Communication 2.1.3).
        languages: the languages the caller prefers, best first; ``canonical`` keeps one entry of each language map.
    """
    texts = members(item["raw"])
    stored_at = json.dumps(item["stored_at"])
    for name, text in {"id": json.dumps(item["statement_id"]), "timestamp": stored_at, "version": '"1.0.0"'}.items():
        # A sender who is not strict may send null for what it leaves to the LRS.
        if texts.get(name, NULL) == NULL:
            texts[name] = text
    texts |= {"stored": stored_at, "authority": json.dumps(authority_of(item, authority_home))}
    if "contextActivities" in texts.get("context", ""):
        texts["context"] = _with_lists(texts["context"])
    if "contextActivities" in texts["object"]:
        texts["object"] = _substatement_with_lists(texts["object"])
    if format_ == "exact":
        return object_text(texts)
    shape: Callable[[Any, str], Any] = (
        _ids if format_ == "ids" else lambda value, name: _canonical(value, name, languages)
    )
    return object_text({name: encoded(shape(decoded(text), name)) for name, text in texts.items()})


def authority_of(item: Mapping[str, Any], authority_home: str) -> dict[str, Any]:
    """Return the authority of a stored statement: the client that sent it, whatever the statement says (Data 2.4.9)."""
    return {"objectType": "Agent", "account": {"homePage": authority_home, "name": item["client_id"]}}


def languages_of(accept_language: str | None) -> list[str]:
    """Return the language tags of an ``Accept-Language`` header, best first (RFC 9110, section 12.5.4)."""
    weighed = []
    for part in (accept_language or "").split(","):
        tag, _, weight = "".join(part.lower().split()).partition(";q=")
        weighed.append((-_weight(weight), tag))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if tag and weight < 0]


def _weight(text: str) -> float:
    try:
        return float(text or "1")
    except ValueError:
        return 0.0


def _with_lists(context: str) -> str:
    """Return the text of a context with its context activities as lists (Data 2.4.6.2)."""
    texts = members(context) if _is_object(context) else {}
    activities = texts.get("contextActivities", "")
    if not _is_object(activities):
        return context
    lists = {
        name: f"[{text}]" if name in CONTEXT_ACTIVITIES and _is_object(text) else text
        for name, text in members(activities).items()
    }
    return object_text({**texts, "contextActivities": object_text(lists)})


def _substatement_with_lists(target: str) -> str:
    """Return the text of an object with the context activities of its own context, if it has one, as lists."""
    texts = members(target)
    return object_text({**texts, "context": _with_lists(texts["context"])}) if "context" in texts else target


def _is_object(text: str) -> bool:
    return text.startswith("{")


def _ids(value: Any, name: str) -> Any:  # noqa: ANN401  (any JSON)
    """Return a value with agents, activities and verbs reduced to what identifies them."""
    if isinstance(value, list):
        return [_ids(item, name) for item in value]
    if not isinstance(value, dict) or name in {"extensions", "result", "attachments"}:
        return value
    identifying = {key: value[key] for key in AGENT_IDS if key in value}
    if identifying.keys() - {"objectType"}:
        return identifying
    if value.get("objectType") == "Group":
        return identifying | {"member": _ids(value.get("member", []), "member")}
    return {key: _ids(inner, key) for key, inner in value.items() if key not in {"definition", "display"}}


def _canonical(value: Any, name: str, languages: Sequence[str]) -> Any:  # noqa: ANN401
    """Return a value with each language map reduced to one language."""
    if isinstance(value, list):
        return [_canonical(item, name, languages) for item in value]
    if not isinstance(value, dict) or name == "extensions":
        return value
    if name in LANGUAGE_MAPS:
        return _one_language(value, languages)
    return {key: _canonical(inner, key, languages) for key, inner in value.items()}


def _one_language(texts: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    for wanted in languages:
        for tag, text in texts.items():
            if wanted in ("*", tag.lower()) or tag.lower().startswith(f"{wanted}-"):
                return {tag: text}
    return dict(list(texts.items())[:1])
