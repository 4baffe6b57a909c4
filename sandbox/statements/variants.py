"""Variants: ways in which statements differ from the most common shape, each applied to a share of the statements.

Most variants express the same facts differently. Those marked `extra` state something else, so they are sent as
separate statements in addition to the original one; what learners really did is not affected.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from sandbox.dice import Dice
from sandbox.settings import Json
from sandbox.statements.shape import HOME_PAGE, PROGRESS_EXTENSION, VERBS


@dataclass(frozen=True)
class Variant:
    """A way in which a statement can differ.

    Attributes:
        name: the name by which it is asked for.
        description: what it does, in one line.
        change: a function that changes a statement in place.
        extra: whether the changed statement is sent in addition to the original one.
    """

    name: str
    description: str
    change: Callable[[Json], None]
    extra: bool = False


def varied(statement: Json, shares: dict[str, float], dice: Dice) -> Iterator[Json]:
    """Yield the statement, changed in place by the variants that apply to it, then the extra statements."""
    extras = []
    for name, share in shares.items():
        variant = VARIANTS[name]
        if not dice.chance(share):
            continue
        if variant.extra:
            extras.append(_extra(statement, variant))
        else:
            variant.change(statement)
    yield statement
    yield from extras


def parse_shares(variants: list[str] | dict[str, float]) -> dict[str, float]:
    """Return variants with their shares; in a list of names, each has a share of 1.0.

    Raises:
        ValueError: a variant does not exist, or its share is not a number.
    """
    shares = variants if isinstance(variants, dict) else dict.fromkeys(variants, 1.0)
    unknown = shares.keys() - VARIANTS.keys()
    if unknown:
        raise ValueError(f"There are no such variants: {', '.join(sorted(unknown))}.")
    return {name: float(share) for name, share in shares.items()}


def _extra(statement: Json, variant: Variant) -> Json:
    extra = deepcopy(statement)
    # An id of its own, but derived from the original one, so that the same plan gives the same id again.
    mark = Dice(extra["id"], variant.name)
    extra["id"] = extra["id"][:-8] + f"{mark.throw(1 << 32):08x}"
    variant.change(extra)
    return extra


def _set_progress(convert: Callable[[float], object]) -> Callable[[Json], None]:
    def change(statement: Json) -> None:
        extensions = statement["result"].get("extensions", {})
        if PROGRESS_EXTENSION in extensions:
            # Another variant may already have changed it to a number.
            extensions[PROGRESS_EXTENSION] = convert(float(extensions[PROGRESS_EXTENSION]))

    return change


def _progress_absent(statement: Json) -> None:
    statement["result"].pop("extensions", None)


def _completion_absent(statement: Json) -> None:
    statement["result"].pop("completion", None)


def _duration_odd(statement: Json) -> None:
    if "duration" in statement["result"]:
        statement["result"]["duration"] = "P0DT0H0M0.0S"


def _progressed_with_100(statement: Json) -> None:
    if statement["result"].get("completion"):
        statement["verb"] = {"display": {"en-US": "PROGRESSED"}, "id": f"{VERBS}progressed"}


def _completed_below_100(statement: Json) -> None:
    if statement["verb"]["id"] == f"{VERBS}completed":
        statement["result"]["extensions"] = {PROGRESS_EXTENSION: "87"}


def _lower_case_display(statement: Json) -> None:
    statement["verb"]["display"] = {"en-US": statement["verb"]["display"]["en-US"].lower()}


def _version_in_statement(statement: Json) -> None:
    statement["version"] = "1.0.0"


def _new_fields(statement: Json) -> None:
    statement["context"] = {"language": "en-US", "platform": "LinkedIn Learning", "extensions": {}}
    statement["result"].setdefault("extensions", {})["https://www.linkedin.com/learning/xapi/engagement"] = {
        "secondsViewed": 120
    }


def _map_mail(convert: Callable[[str], str]) -> Callable[[Json], None]:
    def change(statement: Json) -> None:
        address = statement["actor"].get("mbox", "").removeprefix("mailto:")
        if address:
            statement["actor"]["mbox"] = f"mailto:{convert(address)}"

    return change


def _plus_address(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{name}+learning@{domain}"


def _actor_both(statement: Json) -> None:
    actor = statement["actor"]
    name = actor.get("mbox", "mailto:somebody").removeprefix("mailto:").partition("@")[0]
    actor.setdefault("account", {"homePage": HOME_PAGE, "name": name})
    actor.setdefault("mbox", f"mailto:{name}@example.com")


def _actor_neither(statement: Json) -> None:
    statement["actor"] = {"objectType": "Agent"}


def _unknown_verb(statement: Json) -> None:
    statement["verb"] = {
        "display": {"en-US": "BOOKMARKED"},
        "id": "https://www.linkedin.com/xapi/verbs/bookmarked",
    }


def _unknown_object(statement: Json) -> None:
    statement["object"] = {
        "objectType": "Activity",
        "id": "urn:li:learningCustomContent:(urn:li:enterpriseAccount:1,2)",
    }


def _unknown_course(statement: Json) -> None:
    statement["object"] = statement["object"] | {"id": "urn:li:lyndaCourse:9"}


def _unknown_learner(statement: Json) -> None:
    statement["actor"] = {"objectType": "Agent", "mbox": "mailto:nobody.knows@example.com"}


def _future_dated(statement: Json) -> None:
    year, rest = statement["timestamp"][:4], statement["timestamp"][4:]
    statement["timestamp"] = f"{int(year) + 1}{rest}".replace("-02-29", "-02-28")


def _id_not_uuid(statement: Json) -> None:
    statement["id"] = f"linkedin-{statement['id'].replace('-', '')}"


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("progress_integer", 'progress is 39 instead of "39"', _set_progress(int)),
        Variant("progress_float", 'progress is 39.0 instead of "39"', _set_progress(float)),
        Variant("progress_decimal_text", 'progress is "39.0"', _set_progress(lambda value: f"{value:.1f}")),
        Variant("progress_absent", "no progress at all", _progress_absent),
        Variant("completion_absent", "no result.completion", _completion_absent),
        Variant("duration_odd", "completions last P0DT0H0M0.0S", _duration_odd),
        Variant(
            "progressed_with_100",
            "completions are told as PROGRESSED with completion true",
            _progressed_with_100,
        ),
        Variant("completed_below_100", "completions tell a progress of 87", _completed_below_100),
        Variant("lower_case_display", "the verb's display name in lower case", _lower_case_display),
        Variant("version_in_statement", "the statement names its version", _version_in_statement),
        Variant("new_fields", "context and extensions nobody has seen yet", _new_fields),
        Variant("mail_upper_case", "mail addresses in upper case", _map_mail(str.upper)),
        Variant("id_not_uuid", "ids that are no UUIDs", _id_not_uuid),
        Variant(
            "mail_plus",
            "the mail address of another mailbox by plus-addressing",
            _map_mail(_plus_address),
            True,
        ),
        Variant("actor_both", "an actor with mbox and account", _actor_both, True),
        Variant("actor_neither", "an actor with neither mbox nor account", _actor_neither, True),
        Variant("unknown_verb", "a verb nobody has seen yet", _unknown_verb, True),
        Variant("unknown_object", "an object that is not of the library", _unknown_object, True),
        Variant("unknown_course", "a course that is not in the catalogue", _unknown_course, True),
        Variant("unknown_learner", "a learner nobody knows", _unknown_learner, True),
        Variant("future_dated", "a year ahead of its time", _future_dated, True),
    )
}
