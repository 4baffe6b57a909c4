"""The languages a catalogue can be generated in, read from `sandbox/data`."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import orjson

from sandbox.settings import Json


@dataclass(frozen=True)
class Language:
    """Phrases of one language; `{t}` in a phrase stands for the topic.

    Attributes:
        titles: course titles.
        focuses: what may follow a title, the first one empty.
        sentences: what descriptions are made of.
        chapters: chapter titles, in order.
        videos: video titles, in order.
        classifications: names of the three libraries, then of the subjects.
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
    """Return the language codes a catalogue can be generated in, Indonesian spelt `in` as LinkedIn does."""
    names = (file.name for file in resources.files("sandbox").joinpath("data").iterdir())
    return sorted(name.removesuffix(".json") for name in names if len(name) == len("en.json"))


@cache
def language(code: str) -> Language:
    """Return the phrases of a language.

    Raises:
        KeyError: no catalogue can be generated in this language.
    """
    if code not in known_languages():
        raise KeyError(code)
    return Language(**{field: tuple(phrases) for field, phrases in data_file(f"{code}.json").items()})


@cache
def locale_object(locale: str) -> Json:
    """Return `en_US` as LinkedIn's JSON object; the caller must not change it."""
    code, _, country = locale.partition("_")
    return {"country": country, "language": code} if country else {"language": code}


def localized(locale: str, value: str) -> Json:
    """Return a LocaleString: a value with the locale it is in."""
    return {"locale": locale_object(locale), "value": value}
