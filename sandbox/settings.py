"""What a sandbox is started with."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
"""A JSON object of LinkedIn's making; its shape is theirs and stays open."""

DEFAULT_LOCALES = ("en_US", "de_DE", "fr_FR", "ja_JP", "zh_CN")


@dataclass(frozen=True)
class Settings:
    """The size and character of a sandbox.

    Attributes:
        size: licensed and available courses in the catalogue. Retired and unlicensed ones come on top (one of
            each per 48 courses), and so do learning paths and videos.
        seed: everything generated follows from it; the same seed gives the same catalogue.
        locales: languages of the catalogue, `en_US` and the like; courses are dealt out to them in turn.
        element_bytes: about how large one course is as JSON, contents tree included.
        token_seconds: `expires_in` of the access tokens it hands out.
    """

    size: int = 1000
    seed: int = 1
    locales: tuple[str, ...] = DEFAULT_LOCALES
    element_bytes: int = 10_000
    token_seconds: int = 7_775_999
