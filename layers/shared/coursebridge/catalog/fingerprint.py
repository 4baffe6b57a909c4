"""Digests of LinkedIn's elements, which tell what really changed, and short ones of what a run has seen."""

from __future__ import annotations

from hashlib import blake2b

from coursebridge.catalog.mapper import MAPPER_VERSION

URN_DIGEST_BYTES = 8


def fingerprint(text: bytes, *, curated: bool | None = None) -> str:
    """Return the digest over everything that is kept: the canonical element and how it is read."""
    return blake2b(text, digest_size=16, person=f"{MAPPER_VERSION}{curated}".encode()).hexdigest()


def urn_digest(urn: str) -> bytes:
    """Return eight bytes that stand for a URN among those a run has read.

    The tally of a run compares sixty bits of them (``sync.outcomes``): two of n assets have the same in one of 2^61/n^2
    runs, with a million assets in one of two million.
    """
    return blake2b(urn.encode(), digest_size=URN_DIGEST_BYTES).digest()
