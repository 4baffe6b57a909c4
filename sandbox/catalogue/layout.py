"""The arithmetic that identifies generated assets, so that none of them has to be stored.

An asset's *handle* is a single integer, `ordinal * 4 + kind`. Its URN and everything else can be derived from the
handle, and the handle from the URN. Search results are stored as arrays of handles.
"""

import re
from enum import IntEnum


class Kind(IntEnum):
    """The kinds of generated assets, and `OTHER` for elements added by hand."""

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
"""Numbers of videos that courses have, in turn: a fixed pattern, so that the n-th video's course can be computed."""
VIDEOS_IN_A_TURN = sum(VIDEOS_IN_TURN)

SPECIAL_EVERY = 25
"""Every 25th slot holds a special course: a retired one and an unlicensed one in turn."""

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
    """Return the kind of a handle's asset."""
    return Kind(asset & 3)


def ordinal_of(asset: int) -> int:
    """Return the ordinal of a handle's asset among those of its kind."""
    return asset >> 2


def slots(size: int) -> int:
    """Return how many course slots a catalogue with `size` licensed and available courses needs."""
    return size + max(0, (size - 1) // (SPECIAL_EVERY - 1))


def is_retired_slot(slot: int) -> bool:
    """Return whether the course in this slot is retired from the start."""
    return slot % (2 * SPECIAL_EVERY) == SPECIAL_EVERY - 1


def is_unlicensed_slot(slot: int) -> bool:
    """Return whether the course in this slot is outside the customer's licence."""
    return slot % (2 * SPECIAL_EVERY) == 2 * SPECIAL_EVERY - 1


def videos_before(slot: int) -> int:
    """Return the total number of videos of the courses before this slot."""
    turns, rest = divmod(slot, len(VIDEOS_IN_TURN))
    return turns * VIDEOS_IN_A_TURN + sum(VIDEOS_IN_TURN[:rest])


def videos_of(slot: int) -> int:
    """Return the number of videos of the course in this slot."""
    return VIDEOS_IN_TURN[slot % len(VIDEOS_IN_TURN)]


def place_of_video(ordinal: int) -> tuple[int, int]:
    """Return the slot of the n-th video's course, and the video's number in that course."""
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
    """Return the URN of the n-th learning path; like LinkedIn's, its id is 24 seemingly random hexadecimal digits."""
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
    """Return the handle that a generated asset with this URN has or would have, or None if none can have this URN."""
    asset: int | None = None
    if match := _COURSE.fullmatch(urn):
        asset = handle(Kind.COURSE, (int(match[1]) - FIRST_COURSE_ID) // COURSE_ID_STEP)
    elif match := _PATH.fullmatch(urn):
        inverse = pow(_PATH_FACTOR, -1, _PATH_MODULUS)
        asset = handle(Kind.LEARNING_PATH, int(match[1], 16) * inverse % _PATH_MODULUS - 1)
    elif match := _VIDEO.fullmatch(urn):
        slot, number = divmod(int(match[1]) - FIRST_VIDEO_ID, VIDEO_IDS_PER_COURSE)
        asset = handle(Kind.VIDEO, videos_before(slot) + number)
    # The arithmetic yields a handle even for ids that are never generated, but that handle's asset has another URN.
    return asset if asset is not None and asset >= 0 and urn_of(asset) == urn else None
