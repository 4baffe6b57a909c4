"""Encodes rows as NDJSON, as the API shows them, or as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from coursebridge.exports.jobs import Format, What

CONTENT_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
COURSE_COLUMNS = (
    "urn", "type", "status", "archived_reason", "title", "short_description", "description", "authors",
    "classifications", "duration_seconds", "level", "locale", "available_locales", "published_at", "updated_at",
    "retired_at", "thumbnail_url", "launch_url_web", "launch_url_sso", "launch_url_aicc", "tags_synced", "tags_manual",
    "group", "author_email", "synced_at",
)  # fmt: skip
ATTEMPT_COLUMNS = (
    "id", "learner_id", "course_urn", "status", "progress", "started_at", "last_activity_at", "completed_at",
    "time_spent_seconds", "reported_seconds_viewed", "statement_duration_seconds", "source", "completion_statement_id",
)  # fmt: skip
COLUMNS: dict[What, Sequence[str]] = {"courses": COURSE_COLUMNS, "attempts": ATTEMPT_COLUMNS}
# Spreadsheets take a cell that starts like this for a formula (OWASP, "CSV Injection"); a leading quote makes it text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def head(what: What, format_: Format) -> bytes:
    """Return the start of a file: for CSV, the column names after a mark that tells spreadsheets it is UTF-8."""
    return b"\xef\xbb\xbf" + _csv([COLUMNS[what]]) if format_ == "csv" else b""


def encode(rows: Iterable[Mapping[str, Any]], what: What, format_: Format) -> bytes:
    """Return rows as lines of a file."""
    if format_ == "ndjson":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    flat: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _flat_course if what == "courses" else dict
    return _csv([[_cell(flat_row.get(column)) for column in COLUMNS[what]] for flat_row in map(flat, rows)])


def _flat_course(course: Mapping[str, Any]) -> dict[str, Any]:
    urls, tags = course["launch_urls"], course["tags"]
    return {
        **course,
        "authors": [author["name"] for author in course["authors"]],
        "classifications": [classification["name"] for classification in course["classifications"]],
        **{f"launch_url_{kind}": urls[kind] for kind in ("web", "sso", "aicc")},
        **{f"tags_{kind}": tags[kind] for kind in ("synced", "manual")},
    }


def _cell(value: Any) -> str:  # noqa: ANN401  (any JSON)
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value)


def _csv(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()
