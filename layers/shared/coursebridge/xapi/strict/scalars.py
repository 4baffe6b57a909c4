"""The data types of xAPI 1.0.3, Data 2.2 and 4: strings with a format, language maps, extensions."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from coursebridge.xapi import values

IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
MAILTO = re.compile(r"mailto:[^\s@<>\",:;?]+@[^\s@<>\",:;?]+", re.IGNORECASE)
SHA1 = re.compile(r"[0-9a-fA-F]{40}")
SHA2 = re.compile(r"[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128}")
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=([\w!#$&^.+-]+|\"[^\"]*\"))*", re.ASCII)
VERSION = re.compile(r"1\.0(\.(0|[1-9]\d*))?", re.ASCII)
NO_OFFSET = re.compile(r"-00(:?00)?$")
_LANGUAGE = r"[a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8}"
_VARIANT = r"[a-z0-9]{5,8}|[0-9][a-z0-9]{3}"
# RFC 5646, section 2.1: only the form of the subtags is checked, not whether they are registered.
LANGUAGE_TAG = re.compile(
    rf"(({_LANGUAGE})(-[a-z]{{4}})?(-([a-z]{{2}}|[0-9]{{3}}))?(-({_VARIANT}))*(-[0-9a-wy-z](-[a-z0-9]{{2,8}})+)*"
    r"(-x(-[a-z0-9]{1,8})+)?|x(-[a-z0-9]{1,8})+|i-[a-z]{2,8}|zh-min|zh-min-nan|en-gb-oed|sgn-(be-fr|be-nl|ch-de))",
    re.IGNORECASE | re.ASCII,
)
_N = r"\d+(?:[.,]\d+)?"
DURATION = re.compile(
    rf"P(?:{_N}W|(?=\d|T\d)(?:{_N}Y)?(?:{_N}M)?(?:{_N}D)?(?:T(?=\d)(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?)", re.ASCII
)


class Model(BaseModel):
    """The base: property names as the specification spells them, no unknown ones, and no type conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


def formatted(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    """Return a validator that a whole string matches a pattern."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            message = f"is not {expected}"
            raise ValueError(message)
        return text

    return AfterValidator(check)


def _timestamp(text: str) -> str:
    if "T" not in text.upper() or NO_OFFSET.search(text) or values.instant(text) is None:
        message = "is not an ISO 8601 time with date and time of day, whose offset is not a negative zero"
        raise ValueError(message)
    return text


Iri = Annotated[str, formatted(IRI, "an IRI with a scheme")]
Irl = Annotated[str, formatted(IRI, "an IRL with a scheme")]
Uri = Annotated[str, formatted(IRI, "a URI with a scheme")]
Mailto = Annotated[str, formatted(MAILTO, "a mailto IRI: mailto:name@example.com")]
Sha1 = Annotated[str, formatted(SHA1, "a hexadecimal SHA-1 digest")]
Sha2 = Annotated[str, formatted(SHA2, "a hexadecimal SHA-2 digest")]
MediaType = Annotated[str, formatted(MEDIA_TYPE, "a media type")]
Version = Annotated[str, formatted(VERSION, "1.0 or 1.0.x")]
Uuid = Annotated[str, formatted(values.UUID, "a UUID in its standard form")]
Duration = Annotated[str, formatted(DURATION, "an ISO 8601 duration")]
Timestamp = Annotated[str, AfterValidator(_timestamp)]
LanguageTag = Annotated[str, formatted(LANGUAGE_TAG, "an RFC 5646 language tag")]
LanguageMap = dict[LanguageTag, str]
Extensions = dict[Iri, Any]
