"""Tries whether a key pair may read what a scope stands for, with one small page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.linkedin import assets, reports

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.credentials import Scope


def read_assets(client: LinkedInClient, asset_type: str) -> None:
    """Read one asset.

    Raises:
        LinkedInError: LinkedIn does not give it; the class says why.
    """
    assets.page(client, assets.Listing(asset_type), 0, count=1)


def read_reports(client: LinkedInClient, now: datetime) -> None:
    """Read the first page of today's report.

    Raises:
        LinkedInError: LinkedIn does not give it; the class says why.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    next(reports.pages(client, reports.Report("COURSE", midnight, 1)))


def read_one_page(client: LinkedInClient, scope: Scope, asset_type: str, now: datetime) -> None:
    """Read one page of what a scope stands for.

    Raises:
        LinkedInError: LinkedIn does not give it; the class says why.
    """
    if scope == "content":
        read_assets(client, asset_type)
    else:
        read_reports(client, now)
