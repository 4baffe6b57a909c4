"""The shape of LinkedIn's statements, as recorded by their receivers."""

from dataclasses import dataclass

from sandbox.activity import Content, Learner
from sandbox.clock import iso
from sandbox.settings import Json

PROGRESS_EXTENSION = "https://w3id.org/xapi/cmi5/result/extensions/progress"
VERBS = "http://adlnet.gov/expapi/verbs/"
ACTIVITY_TYPES = {
    "COURSE": "http://adlnet.gov/expapi/activities/course",
    # Only the type of courses has been observed; these two are guesses.
    "LEARNING_PATH": "http://adlnet.gov/expapi/activities/module",
    "VIDEO": "http://adlnet.gov/expapi/activities/media",
}
ACTORS = ("mbox", "account")
HOME_PAGE = "https://www.linkedin.com/learning"


@dataclass(frozen=True)
class Moment:
    """One event that LinkedIn reports: how far a learner had got with an asset, and when.

    Attributes:
        id: the statement's id.
        learner: the learner.
        content: the asset.
        at: epoch milliseconds.
        progress: percentage reached.
        completed: whether this is the completion.
        seconds: length of the asset, sent only with the completion.
    """

    id: str
    learner: Learner
    content: Content
    at: int
    progress: int
    completed: bool
    seconds: int


def actor(learner: Learner, kind: str) -> Json:
    """Return the actor by `mbox`, or by `account` as LinkedIn does if the admin chose a User Type other than email."""
    if kind == "account":
        account = {"homePage": HOME_PAGE, "name": learner.unique_user_id}
        return {"objectType": "Agent", "account": account}
    return {"objectType": "Agent", "mbox": f"mailto:{learner.email}"}


def duration(seconds: int) -> str:
    """Return a duration in ISO 8601, such as `PT4M30S`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if value]
    return "PT" + ("".join(parts) or "0S")


def statement(moment: Moment, actor_kind: str) -> Json:
    """Return the statement for a moment, in the most common shape."""
    verb = "completed" if moment.completed else "progressed"
    # LinkedIn sends the percentage as text and the display name in upper case.
    result: Json = {
        "completion": moment.completed,
        "extensions": {PROGRESS_EXTENSION: str(moment.progress)},
    }
    if moment.completed:
        result["duration"] = duration(moment.seconds)
    return {
        "actor": actor(moment.learner, actor_kind),
        "result": result,
        "verb": {"display": {"en-US": verb.upper()}, "id": f"{VERBS}{verb}"},
        "id": moment.id,
        "object": {
            "definition": {"type": ACTIVITY_TYPES.get(moment.content.type, ACTIVITY_TYPES["COURSE"])},
            "id": moment.content.urn,
            "objectType": "Activity",
        },
        "timestamp": iso(moment.at),
    }
