"""Elements: assets as LinkedIn's API returns them, made from their facts."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import cycle, islice
from urllib.parse import quote

import orjson

from sandbox.catalogue import layout, taxonomy
from sandbox.catalogue.facts import Facts, video_title
from sandbox.catalogue.languages import language, locale_object, localized
from sandbox.dice import Dice
from sandbox.settings import Json, Settings

ACCOUNT = 105587602
APPLICATION_INSTANCE = 113669290
CHAPTER_DEPTH = 2
VIDEO_DEPTH = 3
FIRST_AUTHOR_ID = 88
AUTHORS = (
    ("Ada", "Fielding"),
    ("Bruno", "Castell"),
    ("Chiara", "Montero"),
    ("Daiki", "Harada"),
    ("Lin", "Weimar"),
)


def slug(title: str, identity: int) -> str:
    """Return the last path segment of a launch URL."""
    words = re.sub(r"\W+", "-", title.lower()).strip("-")
    return f"{words}-{identity}"


def urls(urn: str, page: str) -> Json:
    """Return the three launch URLs, percent-encoded as LinkedIn does it."""
    instance = f"urn:li:enterpriseApplicationInstance:(urn:li:enterpriseAccount:{ACCOUNT},{APPLICATION_INSTANCE})"
    web = f"https://www.linkedin.com/learning/{quote(page)}"
    # LinkedIn also encodes the dots of the redirect; clients must not normalise the URL.
    redirect = quote(f"{web}?u={ACCOUNT}", safe="").replace(".", "%2E")
    return {
        "ssoLaunch": f"https://www.linkedin.com/checkpoint/enterprise/login/{ACCOUNT}"
        f"?pathWildcard={ACCOUNT}&application=learning&redirect={redirect}",
        "webLaunch": web,
        "aiccLaunch": f"https://www.linkedin.com/learning/aicc?content={quote(urn, safe='')}"
        f"&account={quote(instance, safe='')}",
    }


@lru_cache(maxsize=1024)
def classification_entries(urn: str, locale: str) -> dict[tuple[str, ...], Json]:
    """Return an asset's entries for one classification: one for every path to it and to each of its ancestors.

    The key of an entry is its classification's URN, followed by its path. Entries are cached: do not change them.
    """
    nodes = taxonomy.taxonomy()
    chains = [(urn, *path)[depth:] for path in taxonomy.paths(urn) for depth in range(len(path) + 1)]
    return {
        chain: {
            "assigner": taxonomy.owner(locale),
            "path": [taxonomy.element(nodes[ancestor], locale) for ancestor in chain[1:]],
            "associatedClassification": taxonomy.element(nodes[chain[0]], locale),
        }
        for chain in chains
    }


def _classifications(facts: Facts, dice: Dice) -> list[Json]:
    entries: dict[tuple[str, ...], Json] = {}
    for urn in (*facts.topics, *facts.skills):
        entries |= classification_entries(urn, facts.locale)
    credit = [_credit_entry(facts.credential, facts.locale, dice)] if facts.credential else []
    return [*entries.values(), *credit]


def _credit_entry(credential: str, locale: str, dice: Dice) -> Json:
    """Return a certification's entry; LinkedIn's names for credits and disciplines are not known."""
    (entry,) = classification_entries(credential, locale).values()
    discipline = dice.pick(taxonomy.taxonomy()[credential].disciplines)
    more = {"numberOfCredits": (1 + dice.throw(30)) / 2, "disciplines": [localized(locale, discipline)]}
    return entry | more


def _contributors(dice: Dice, locale: str) -> list[Json]:
    number = dice.throw(len(AUTHORS))
    first, last = AUTHORS[number]
    return [
        {
            "name": localized(locale, f"{first} {last}"),
            "urn": f"urn:li:lyndaAuthor:{FIRST_AUTHOR_ID + number}",
            "contributionType": "AUTHOR",
            "authorDetails": {"lastName": localized(locale, last), "firstName": localized(locale, first)},
        }
    ]


def video_durations(settings: Settings, slot: int, revision: int = 0) -> list[int]:
    """Return the length of each video of a course, in seconds."""
    dice = Dice(settings.seed, "durations", slot)
    seconds = [60 + dice.throw(540) for _ in range(layout.videos_of(slot))]
    seconds[0] += 30 * revision
    return seconds


def _small_details(facts: Facts, duration: int) -> Json:
    return {
        "availability": "AVAILABLE" if facts.retired_at is None else "RETIRED",
        "availableLocales": [locale_object(facts.locale)],
        "lastUpdatedAt": facts.updated_at,
        "publishedAt": facts.published_at,
        "relationships": [],
        "timeToComplete": {"duration": duration, "unit": "SECOND"},
    }


def _sentences(facts: Facts, start: int) -> Iterator[str]:
    phrases = language(facts.locale.partition("_")[0]).sentences
    topic = taxonomy.taxonomy()[facts.topics[0]].name
    sentences = [phrase.replace("{t}", topic) for phrase in phrases]
    return islice(cycle(sentences), start, None)


def _text(sentences: Iterator[str], size: int) -> str:
    """Return whole sentences of about `size` bytes in total, at least two."""
    parts = [next(sentences), next(sentences)]
    missing = size - sum(len(part.encode()) + 1 for part in parts)
    while missing > 0:
        parts.append(next(sentences))
        missing -= len(parts[-1].encode()) + 1
    return " ".join(parts)


def _details(urn: str, facts: Facts, dice: Dice, duration: int, revision: int) -> Json:
    short = next(_sentences(facts, dice.throw(6) + revision))
    details = _small_details(facts, duration) | {
        "classifications": _classifications(facts, dice),
        "contributors": _contributors(dice, facts.locale),
        "images": {"primary": f"https://cdn.lynda.com/course/{quote(urn, safe='')}-16x9.jpg"},
        "level": facts.level,
        "retiredAt": facts.retired_at,
        "shortDescription": localized(facts.locale, short),
        "shortDescriptionIncludingHtml": localized(facts.locale, short),
        "urls": {} if facts.retired_at else urls(urn, slug(facts.title, dice.throw(10**7))),
    }
    if dice.chance(0.03):
        details["images"] = {}
    return {name: value for name, value in details.items() if value is not None}


def _describe(element: Json, facts: Facts, size: int, start: int) -> None:
    """Add long descriptions that bring the element to about `size` bytes."""
    missing = size - len(orjson.dumps(element))
    text = _text(_sentences(facts, start), missing // 2)
    topic = taxonomy.taxonomy()[facts.topics[0]].name
    marked = text.replace(topic, f"<em>{topic}</em>", 1)
    element["details"]["description"] = localized(facts.locale, text)
    element["details"]["descriptionIncludingHtml"] = localized(facts.locale, marked)


def _node(urn: str, title: Json, kind: str, contents: list[Json]) -> Json:
    return {"urn": urn, "title": title, "type": kind, "contents": contents}


def _chapters(slot: int, facts: Facts, durations: list[int], depth: int) -> list[Json]:
    phrases = language(facts.locale.partition("_")[0]).chapters
    titles = (phrases[0], phrases[1 + slot % (len(phrases) - 2)], phrases[-1])
    share = -(-len(durations) // len(titles))
    chapters = []
    for number, title in enumerate(titles):
        first = number * share
        lengths = durations[first : first + share]
        videos = [_video(slot, first + place, facts, length, depth) for place, length in enumerate(lengths)]
        chapter = _node(layout.chapter_urn(slot, number), localized(facts.locale, title), "CHAPTER", videos)
        if depth >= CHAPTER_DEPTH:
            chapter["details"] = _small_details(facts, sum(lengths))
        chapters.append({"asset": chapter})
    return chapters


def _video(slot: int, number: int, facts: Facts, length: int, depth: int) -> Json:
    title = localized(facts.locale, video_title(facts, number))
    video = _node(layout.video_urn(slot, number), title, "VIDEO", [])
    if depth >= VIDEO_DEPTH:
        video["details"] = _small_details(facts, length)
    return {"asset": video}


def course_element(settings: Settings, slot: int, facts: Facts, revision: int, depth: int) -> Json:
    """Return the course in a slot.

    Args:
        settings: settings of the sandbox.
        slot: the course's slot.
        facts: the course's current facts.
        revision: how often it has been changed since the start; its texts and length depend on it.
        depth: how many levels of the tree have `details`.
    """
    dice = Dice(settings.seed, "element", slot)
    durations = video_durations(settings, slot, revision)
    urn = layout.course_urn(slot)
    chapters = _chapters(slot, facts, durations, depth)
    element = _node(urn, localized(facts.locale, facts.title), "COURSE", chapters)
    if depth > 0:
        element["details"] = _details(urn, facts, dice, sum(durations), revision)
        if not dice.chance(0.03):
            _describe(element, facts, settings.element_bytes, dice.throw(6) + revision)
    return element


def video_element(settings: Settings, slot: int, number: int, facts: Facts, depth: int) -> Json:
    """Return a video of the course in a slot as a separate asset."""
    urn = layout.video_urn(slot, number)
    element = _node(urn, localized(facts.locale, facts.title), "VIDEO", [])
    if depth > 0:
        dice = Dice(settings.seed, "video", slot, number)
        element["details"] = _details(urn, facts, dice, video_durations(settings, slot)[number], 0)
    return element


def path_element(settings: Settings, ordinal: int, facts: Facts, courses: list[tuple[int, Facts]], depth: int) -> Json:
    """Return a learning path; its courses are given as pairs of slot and facts."""
    urn = layout.path_urn(ordinal)
    durations = [sum(video_durations(settings, slot)) for slot, _ in courses]
    contents = []
    for (slot, course), duration in zip(courses, durations, strict=True):
        node = _node(layout.course_urn(slot), localized(course.locale, course.title), "COURSE", [])
        if depth >= CHAPTER_DEPTH:
            node["details"] = _small_details(course, duration)
        contents.append({"asset": node})
    element = _node(urn, localized(facts.locale, facts.title), "LEARNING_PATH", contents)
    if depth > 0:
        dice = Dice(settings.seed, "path element", ordinal)
        element["details"] = _details(urn, facts, dice, sum(durations), 0)
        _describe(element, facts, 0, 0)
    return element


def path_slots(settings: Settings, ordinal: int, all_slots: int) -> list[int]:
    """Return the slots of a path's courses, in order: up to eight in the path's locale."""
    step = len(settings.locales)
    choices = [slot for slot in range(ordinal % step, min(all_slots, 40 * step), step) if _plain(slot)]
    dice = Dice(settings.seed, "path courses", ordinal)
    wanted = 3 + dice.throw(6)
    return list(dict.fromkeys(dice.pick(choices) for _ in range(wanted))) if choices else []


def _plain(slot: int) -> bool:
    return not (layout.is_retired_slot(slot) or layout.is_unlicensed_slot(slot))
