"""Settings with which a sandbox is started."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
"""A JSON object; LinkedIn defines its shape, so it is not typed any further."""

DEFAULT_LOCALES = ("en_US", "de_DE", "fr_FR", "ja_JP", "zh_CN")


@dataclass(frozen=True)
class Settings:
    """The size and character of a sandbox.

    Attributes:
        size: licensed and available courses in the catalogue. Retired and unlicensed courses (one of each per
            48 courses), learning paths and videos come on top.
        seed: seed of everything generated; the same seed gives the same catalogue.
        locales: locales of the catalogue, such as `en_US`; courses are assigned to them in turn.
        element_bytes: approximate size of a course as JSON, including its contents tree.
        token_seconds: `expires_in` of the access tokens.
    """

    size: int = 1000
    seed: int = 1
    locales: tuple[str, ...] = DEFAULT_LOCALES
    element_bytes: int = 10_000
    token_seconds: int = 7_775_999
