"""Packs the outcomes of the assets a range has read: an eight-byte digest of the URN and one byte for the outcome.

Ranges overlap, pages repeat elements and tasks are retried; merged by URN, the outcomes of a run are exact.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.diff import Outcome
from coursebridge.catalog.fingerprint import URN_DIGEST_BYTES, urn_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.storage.course_shapes import Reason

RECORD_BYTES = URN_DIGEST_BYTES + 1
CHANGES = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.RESTORED})


def packed(outcomes: Mapping[str, Outcome]) -> bytes:
    """Return outcomes by URN as bytes, in the order in which the assets were read."""
    return b"".join(urn_digest(urn) + bytes([outcome]) for urn, outcome in outcomes.items())


def digests(blob: bytes) -> set[bytes]:
    """Return the URN digests in packed outcomes."""
    return {blob[at : at + URN_DIGEST_BYTES] for at in range(0, len(blob), RECORD_BYTES)}


def packed_reasons(reasons: Mapping[str, Reason]) -> bytes:
    """Return archive reasons by URN as bytes; five thousand of them take a tenth of DynamoDB's limit for an item."""
    return _squeezed(dict(reasons)) if reasons else b""


def reasons_in(blob: bytes) -> dict[str, Reason]:
    """Return the reasons that :func:`packed_reasons` has packed."""
    reasons: dict[str, Reason] = _unsqueezed(blob) if blob else {}
    return reasons


def packed_changes(outcomes: Mapping[str, Outcome]) -> bytes:
    """Return as bytes the URNs of the courses that a range has created, updated or restored."""
    changed = [urn for urn, outcome in outcomes.items() if outcome in CHANGES]
    return _squeezed(changed) if changed else b""


def changes_in(blob: bytes) -> list[str]:
    """Return the URNs that :func:`packed_changes` has packed."""
    changed: list[str] = _unsqueezed(blob) if blob else []
    return changed


def _squeezed(value: Any) -> bytes:  # noqa: ANN401  (any JSON)
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode())


def _unsqueezed(blob: bytes) -> Any:  # noqa: ANN401  (any JSON)
    return json.loads(zlib.decompress(blob))


class Tally:
    """The outcomes of a whole run, in nine bytes per asset."""

    def __init__(self, blobs: Iterable[bytes]) -> None:
        numbers = array("Q")
        for blob in blobs:
            numbers.extend(_as_numbers(blob))
        # The outcome is in the low bits, so a URN's weightiest outcome is sorted last.
        self._digests, self._outcomes = _weightiest(array("Q", sorted(numbers)))

    def __contains__(self, urn: str) -> bool:
        """Whether the run has read this asset."""
        digest = int.from_bytes(urn_digest(urn)) & ~0xF
        at = bisect_left(self._digests, digest)
        return at < len(self._digests) and self._digests[at] == digest

    def counts(self) -> dict[str, int]:
        """Return how many assets had each outcome, and how many were read."""
        of = Counter(self._outcomes)
        return {"read": len(self._digests), **{outcome.count: of[outcome] for outcome in Outcome}}


def _as_numbers(blob: bytes) -> Iterable[int]:
    """Yield one number for each record: sixty bits of the digest and four of the outcome."""
    for at in range(0, len(blob), RECORD_BYTES):
        digest = int.from_bytes(blob[at : at + URN_DIGEST_BYTES])
        yield (digest & ~0xF) | blob[at + URN_DIGEST_BYTES]


def _weightiest(numbers: array[int]) -> tuple[array[int], bytearray]:
    found, outcomes = array("Q"), bytearray()
    for number in numbers:
        digest, outcome = number & ~0xF, number & 0xF
        if found and found[-1] == digest:
            outcomes[-1] = outcome
        else:
            found.append(digest)
            outcomes.append(outcome)
    return found, outcomes
