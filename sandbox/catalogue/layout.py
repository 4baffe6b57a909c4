"""Where every generated asset has its place, so that none of them has to be kept.

An asset's *handle* is one integer, from which its URN and everything else follows, and which follows from its
URN: `ordinal * 4 + kind`. Arrays of handles are what a filter's result is kept as.
"""

import re
from enum import IntEnum


class Kind(IntEnum):
    """The kinds of generated assets, and `OTHER` for elements put in by hand."""

    COURSE = 0
    LEARNING_PATH = 1
    VIDEO = 2
    OTHER = 3


FIRST_COURSE_ID = 260_000
COURSE_ID_STEP = 3
FIRST_VIDEO_ID = 1_000_000
VIDEO_IDS_PER_COURSE = 100
FIRST_CHAPTER_ID = 4000
CHAPTER_IDS_PER_COURSE = 10

VIDEOS_IN_TURN = (6, 9, 12, 8, 15, 10, 7, 13)
"""How many videos the courses have, in turn: a fixed pattern gives the n-th video's course by arithmetic."""
VIDEOS_IN_A_TURN = sum(VIDEOS_IN_TURN)

SPECIAL_EVERY = 25
"""Every 25th slot holds a retired or an unlicensed course, alternating."""

_PATH_PREFIX = "57fbd40f3dd5"
_PATH_FACTOR = 0x9E3779B97F4B
_PATH_MODULUS = 1 << 48
_COURSE = re.compile(r"urn:li:lyndaCourse:(\d{1,12})")
_VIDEO = re.compile(r"urn:li:lyndaVideo:\(urn:li:lyndaCourse:\d{1,12},(\d{1,15})\)")
_PATH = re.compile(rf"urn:li:lyndaLearningPath:{_PATH_PREFIX}([0-9a-f]{{12}})")


def handle(kind: Kind, ordinal: int) -> int:
    """Return the handle of the n-th asset of a kind."""
    return ordinal * 4 + kind


def kind_of(asset: int) -> Kind:
    """Return the kind a handle is of."""
    return Kind(asset & 3)


def ordinal_of(asset: int) -> int:
    """Return which asset of its kind a handle is."""
    return asset >> 2


def slots(size: int) -> int:
    """Return how many course slots a catalogue of `size` licensed and available courses takes."""
    return size + max(0, (size - 1) // (SPECIAL_EVERY - 1))


def is_retired_slot(slot: int) -> bool:
    """Say whether the catalogue starts with the course in this slot retired."""
    return slot % (2 * SPECIAL_EVERY) == SPECIAL_EVERY - 1


def is_unlicensed_slot(slot: int) -> bool:
    """Say whether the course in this slot is outside the customer's licence."""
    return slot % (2 * SPECIAL_EVERY) == 2 * SPECIAL_EVERY - 1


def videos_before(slot: int) -> int:
    """Return how many videos the courses before this slot have together."""
    turns, rest = divmod(slot, len(VIDEOS_IN_TURN))
    return turns * VIDEOS_IN_A_TURN + sum(VIDEOS_IN_TURN[:rest])


def videos_of(slot: int) -> int:
    """Return how many videos the course in this slot has."""
    return VIDEOS_IN_TURN[slot % len(VIDEOS_IN_TURN)]


def place_of_video(ordinal: int) -> tuple[int, int]:
    """Return the slot of the course the n-th video belongs to, and its number in that course."""
    turns, rest = divmod(ordinal, VIDEOS_IN_A_TURN)
    slot = turns * len(VIDEOS_IN_TURN)
    for count in VIDEOS_IN_TURN:
        if rest < count:
            break
        rest -= count
        slot += 1
    return slot, rest


def course_urn(slot: int) -> str:
    """Return the URN of the course in a slot."""
    return f"urn:li:lyndaCourse:{FIRST_COURSE_ID + slot * COURSE_ID_STEP}"


def chapter_urn(slot: int, number: int) -> str:
    """Return the URN of a chapter of the course in a slot."""
    identity = FIRST_CHAPTER_ID + slot * CHAPTER_IDS_PER_COURSE + number
    return f"urn:li:lyndaChapter:({course_urn(slot)},{identity})"


def video_urn(slot: int, number: int) -> str:
    """Return the URN of a video of the course in a slot."""
    return f"urn:li:lyndaVideo:({course_urn(slot)},{FIRST_VIDEO_ID + slot * VIDEO_IDS_PER_COURSE + number})"


def path_urn(ordinal: int) -> str:
    """Return the URN of the n-th learning path: 24 hexadecimal digits, scattered as LinkedIn's are."""
    return f"urn:li:lyndaLearningPath:{_PATH_PREFIX}{(ordinal + 1) * _PATH_FACTOR % _PATH_MODULUS:012x}"


def urn_of(asset: int) -> str:
    """Return the URN of a generated asset."""
    kind, ordinal = kind_of(asset), ordinal_of(asset)
    if kind is Kind.COURSE:
        return course_urn(ordinal)
    if kind is Kind.LEARNING_PATH:
        return path_urn(ordinal)
    return video_urn(*place_of_video(ordinal))


def handle_of(urn: str) -> int | None:
    """Return the handle a generated asset with this URN would have, or None if no generated URN looks so."""
    asset: int | None = None
    if match := _COURSE.fullmatch(urn):
        asset = handle(Kind.COURSE, (int(match[1]) - FIRST_COURSE_ID) // COURSE_ID_STEP)
    elif match := _PATH.fullmatch(urn):
        inverse = pow(_PATH_FACTOR, -1, _PATH_MODULUS)
        asset = handle(Kind.LEARNING_PATH, int(match[1], 16) * inverse % _PATH_MODULUS - 1)
    elif match := _VIDEO.fullmatch(urn):
        slot, number = divmod(int(match[1]) - FIRST_VIDEO_ID, VIDEO_IDS_PER_COURSE)
        asset = handle(Kind.VIDEO, videos_before(slot) + number)
    # Numbers between and beyond the generated ones land here on an asset with another URN.
    return asset if asset is not None and asset >= 0 and urn_of(asset) == urn else None
