"""The problems of a catalogue run other than LinkedIn's errors, which are in ``syncs.problems``."""

from __future__ import annotations

from coursebridge.storage.run_shapes import Problem

STILL_AVAILABLE = "unlisted_but_available"
"""The code of a problem that is reported but leaves the run clean."""


def unusable_elements(number: int) -> Problem:
    """Return the problem of elements that are not assets, or too large to store."""
    return Problem(
        code="unusable_element",
        detail="elements without a URN and a type, or too large to keep",
        cause="LinkedIn sent something that is not an asset.",
        remedy="If it persists, report it to LinkedIn's support.",
        count=number,
    )


def catalogue_shifted() -> Problem:
    """Return the problem of a list that moved by more than a page while it was read, or had a page left empty."""
    return Problem(
        code="catalogue_shifted",
        detail="the catalogue changed so much while it was being read that assets may have been missed",
        cause="Many assets were added or removed during the run, or LinkedIn sent an empty page instead of a full one.",
        remedy="Nothing was archived as missing. Start another full run.",
        count=1,
    )


def total_suspect(partition: str, total: int) -> Problem:
    """Return the problem of a listing that LinkedIn may have cut short."""
    return Problem(
        code="total_suspect",
        detail=f"LinkedIn reports exactly {total} ({partition}) and may have cut the list short",
        cause="LinkedIn caps some answers at 500 or 1000.",
        remedy="Nothing was archived as missing. Set languages in the filters, to make each list shorter.",
        count=1,
    )


def listing_unfinished(partition: str) -> Problem:
    """Return the problem of a listing whose end was not reached."""
    return Problem(
        code="listing_unfinished",
        detail=f"the end of a list was not reached ({partition})",
        cause="LinkedIn keeps linking to further pages, or the list is longer than a run can read.",
        remedy="Nothing was archived as missing. Set languages in the filters, to make each list shorter.",
        count=1,
    )


def ranges_lost(number: int) -> Problem:
    """Return the problem of ranges that are no longer in the table."""
    return Problem(
        code="ranges_lost",
        detail="part of what the run has read is no longer kept",
        cause="The run was continued long after it began.",
        remedy="Nothing was archived as missing. Start another full run.",
        count=number,
    )


def still_available(number: int) -> Problem:
    """Return the note that LinkedIn no longer lists courses but does not deny having them."""
    return Problem(
        code=STILL_AVAILABLE,
        detail="courses are no longer listed, but requested one by one, LinkedIn does not deny having them",
        cause="They left the licensed library, or LinkedIn's list had gaps.",
        remedy="Nothing to do: they are archived if the next full run does not list them either.",
        count=number,
    )


def asset_forbidden(urn: str, detail: str) -> Problem:
    """Return the problem of an included asset that LinkedIn forbids to read, while it lets the lists be read."""
    return Problem(
        code="linkedin_refused",
        detail=f"{detail} ({urn})",
        cause="The key pair may read the catalogue, but not this asset.",
        remedy="Remove the URN from include_urns, or ask LinkedIn's support about it.",
        count=1,
    )
