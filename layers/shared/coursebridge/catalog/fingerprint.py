"""Digests of LinkedIn's elements, to detect changes, and short ones of what a run or a process has seen."""

from __future__ import annotations

from hashlib import blake2b

from coursebridge.catalog.mapper import MAPPER_VERSION

URN_DIGEST_BYTES = 8


def fingerprint(text: bytes, *, curated: bool | None = None) -> str:
    """Return the digest of all that determines a course: the canonical element, the mapper's version and curation."""
    return blake2b(text, digest_size=16, person=f"{MAPPER_VERSION}{curated}".encode()).hexdigest()


def urn_digest(urn: str) -> bytes:
    """Return eight bytes that identify a URN among those a run has read.

    The tally of a run compares sixty bits of them (``sync.outcomes``). With n assets, two collide in one of 2^61/n^2
    runs: for a million assets, in one of two million.
    """
    return blake2b(urn.encode(), digest_size=URN_DIGEST_BYTES).digest()


def entry_digest(text: bytes) -> bytes:
    """Return eight bytes that identify a canonical classification entry among those a process has stored."""
    return blake2b(text, digest_size=8).digest()
