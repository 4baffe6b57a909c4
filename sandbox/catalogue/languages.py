"""The languages in which a catalogue can be generated, read from `sandbox/data`."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import orjson

from sandbox.settings import Json


@dataclass(frozen=True)
class Language:
    """The phrases of one language; `{t}` in a phrase stands for the topic.

    Attributes:
        titles: course titles.
        focuses: suffixes for titles, the first one empty.
        sentences: sentences for descriptions.
        chapters: chapter titles, in order.
        videos: video titles, in order.
        classifications: names of the three libraries, followed by those of the subjects.
    """

    titles: tuple[str, ...]
    focuses: tuple[str, ...]
    sentences: tuple[str, ...]
    chapters: tuple[str, ...]
    videos: tuple[str, ...]
    classifications: tuple[str, ...]


def data_file(name: str) -> Json:
    """Return one of the package's JSON files, parsed."""
    content: Json = orjson.loads(resources.files("sandbox").joinpath("data", name).read_bytes())
    return content


def known_languages() -> list[str]:
    """Return the codes of the languages in which a catalogue can be generated; Indonesian is `in`, as at LinkedIn."""
    names = (file.name for file in resources.files("sandbox").joinpath("data").iterdir())
    return sorted(name.removesuffix(".json") for name in names if len(name) == len("en.json"))


@cache
def language(code: str) -> Language:
    """Return the phrases of a language.

    Raises:
        KeyError: there are no phrases for this language.
    """
    if code not in known_languages():
        raise KeyError(code)
    return Language(**{field: tuple(phrases) for field, phrases in data_file(f"{code}.json").items()})


@cache
def locale_object(locale: str) -> Json:
    """Return a locale such as `en_US` as LinkedIn's JSON object, which is cached: do not change it."""
    code, _, country = locale.partition("_")
    return {"country": country, "language": code} if country else {"language": code}


def localized(locale: str, value: str) -> Json:
    """Return a LocaleString: a text with its locale."""
    return {"locale": locale_object(locale), "value": value}
