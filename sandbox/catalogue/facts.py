"""Facts: the few properties of an asset that filters need, available without making the whole element."""

from functools import lru_cache
from typing import NamedTuple

from sandbox.catalogue import layout, taxonomy
from sandbox.catalogue.languages import language
from sandbox.dice import Dice
from sandbox.settings import Json, Settings

LEVELS = ("BEGINNER", "INTERMEDIATE", "ADVANCED")
FIRST_PUBLISHED_MS = 1_325_376_000_000
"""2012-01-01: no generated asset is older."""
LAST_UPDATED_MS = 1_735_689_600_000
"""2025-01-01: no generated asset is newer, so that only changes made to a running sandbox look recent."""
CURATED_EVERY = 97


class Facts(NamedTuple):
    """The properties of an asset that filters look at.

    Attributes:
        type: LinkedIn's asset type.
        locale: a locale such as `en_US`.
        level: one of `LEVELS`, or None for general courses (about one in ten).
        published_at: epoch milliseconds.
        updated_at: epoch milliseconds.
        retired_at: epoch milliseconds, or None while it is available.
        licensed: whether the customer's licence covers it.
        curated: whether an admin has curated it (videos only).
        topics: URNs of its topics, the main one first.
        skills: URNs of its skills.
        credential: URN of the certification it counts for (about one course in ten has one), or None.
        title: the title.
    """

    type: str
    locale: str
    level: str | None
    published_at: int
    updated_at: int
    retired_at: int | None
    licensed: bool
    curated: bool
    topics: tuple[str, ...]
    skills: tuple[str, ...]
    credential: str | None
    title: str

    def is_classified(self, urns: frozenset[str]) -> bool:
        """Return whether the asset has one of these classifications or a descendant of one."""
        own = {*self.topics, *self.skills, self.credential}
        return not urns.isdisjoint(own) or any(
            not urns.isdisjoint(path) for topic in self.topics for path in taxonomy.paths(topic)
        )


@lru_cache(maxsize=256)
def course_facts(settings: Settings, slot: int, base_slots: int) -> Facts:
    """Return the facts of the course in a slot, as generated.

    Slots from `base_slots` on belong to courses added to a running sandbox; these are all available and licensed.
    """
    dice = Dice(settings.seed, "course", slot)
    locale = settings.locales[slot % len(settings.locales)]
    phrases = language(locale.partition("_")[0])
    topics = taxonomy.of_type("TOPIC")
    first = dice.pick(topics)
    others = (dice.pick(topics),) if dice.chance(0.3) else ()
    published = FIRST_PUBLISHED_MS + dice.throw(LAST_UPDATED_MS - FIRST_PUBLISHED_MS)
    updated = published + dice.throw(LAST_UPDATED_MS - published)
    special = slot < base_slots
    return Facts(
        type="COURSE",
        locale=locale,
        level=None if dice.chance(0.1) else dice.pick(LEVELS),
        published_at=published,
        updated_at=updated,
        retired_at=updated if special and layout.is_retired_slot(slot) else None,
        licensed=not (special and layout.is_unlicensed_slot(slot)),
        curated=False,
        topics=tuple(dict.fromkeys(topic.urn for topic in (first, *others))),
        skills=_skills(dice),
        credential=_credential(dice),
        title=dice.pick(phrases.titles).replace("{t}", first.name) + dice.pick(phrases.focuses),
    )


def path_facts(settings: Settings, ordinal: int) -> Facts:
    """Return the facts of the n-th learning path."""
    dice = Dice(settings.seed, "path", ordinal)
    locale = settings.locales[ordinal % len(settings.locales)]
    topic = dice.pick(taxonomy.of_type("TOPIC"))
    published = FIRST_PUBLISHED_MS + dice.throw(LAST_UPDATED_MS - FIRST_PUBLISHED_MS)
    return Facts(
        type="LEARNING_PATH",
        locale=locale,
        level=dice.pick(LEVELS),
        published_at=published,
        updated_at=published + dice.throw(LAST_UPDATED_MS - published),
        retired_at=None,
        licensed=True,
        curated=False,
        topics=(topic.urn,),
        skills=_skills(dice),
        credential=None,
        title=dice.pick(language(locale.partition("_")[0]).titles).replace("{t}", topic.name),
    )


def _skills(dice: Dice) -> tuple[str, ...]:
    skills = taxonomy.of_type("SKILL")
    return tuple(dict.fromkeys(dice.pick(skills).urn for _ in range(1 + dice.throw(3))))


def _credential(dice: Dice) -> str | None:
    return dice.pick(taxonomy.of_type("CONTINUING_EDUCATION_UNIT")).urn if dice.chance(0.1) else None


def video_facts(course: Facts, ordinal: int, number: int) -> Facts:
    """Return the facts of a video: those of its course, except type, title and curation."""
    return course._replace(
        type="VIDEO", title=video_title(course, number), curated=ordinal % CURATED_EVERY == CURATED_EVERY // 2
    )


def video_title(course: Facts, number: int) -> str:
    """Return the title of a course's n-th video."""
    phrases = language(course.locale.partition("_")[0]).videos
    return phrases[number % len(phrases)].replace("{t}", taxonomy.taxonomy()[course.topics[0]].name)


def facts_of_element(element: Json) -> Facts:
    """Return the facts of an element added by hand, with defaults for everything it lacks."""
    details = element.get("details") or {}
    title = element.get("title") or {}
    locale = title.get("locale") or {}
    return Facts(
        type=element.get("type", "COURSE"),
        locale="_".join(part for part in (locale.get("language"), locale.get("country")) if part),
        level=details.get("level"),
        published_at=details.get("publishedAt", 0),
        updated_at=details.get("lastUpdatedAt", 0),
        retired_at=retirement(details),
        licensed=True,
        curated=False,
        topics=tuple(
            entry["associatedClassification"]["urn"]
            for entry in details.get("classifications", ())
            if "associatedClassification" in entry
        ),
        skills=(),
        credential=None,
        title=title.get("value", ""),
    )


def retirement(details: Json) -> int | None:
    """Return when an asset was retired according to its details, or None if it is available."""
    if details.get("availability", "AVAILABLE") == "AVAILABLE":
        return None
    retired: int = details.get("retiredAt") or details.get("lastUpdatedAt") or 0
    return retired
