"""What learners really did: the full history, parts of which statements and reports show."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.settings import Json

ENTERPRISE_ACCOUNT = "urn:li:enterpriseAccount:105587602"


@dataclass(frozen=True)
class Learner:
    """A person with a LinkedIn Learning licence.

    Attributes:
        number: counted from 0; names and identifiers are derived from it.
        email: address in the enterprise account.
        unique_user_id: the id that the customer gave LinkedIn.
    """

    number: int
    email: str
    unique_user_id: str

    @property
    def name(self) -> str:
        """Return the display name."""
        return f"Learner {self.number}"

    @property
    def profile_urn(self) -> str:
        """Return LinkedIn's own identifier of the person."""
        return f"urn:li:enterpriseProfile:({ENTERPRISE_ACCOUNT},{500_000 + self.number})"


@dataclass(frozen=True)
class Content:
    """An asset as reports name it."""

    urn: str
    type: str
    title: str
    locale: str


@dataclass(frozen=True)
class Engagement:
    """A stretch of learning: when it ended (epoch milliseconds), the seconds viewed, and the percentage reached."""

    at: int
    seconds: int
    progress: int


@dataclass
class Activity:
    """One learner's history with one asset.

    Attributes:
        learner: the learner.
        content: the asset.
        engagements: stretches of learning, oldest first.
        completed_at: epoch milliseconds, or None.
        pushed: ids of the statements to be sent about it.
        withheld: ids of the statements that should have been sent but were not.
    """

    learner: Learner
    content: Content
    engagements: list[Engagement] = field(default_factory=list)
    completed_at: int | None = None
    pushed: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return the record as `/_sandbox/truth/activity` shows it."""
        return {
            "learner": {
                "name": self.learner.name,
                "email": self.learner.email,
                "unique_user_id": self.learner.unique_user_id,
                "profile_urn": self.learner.profile_urn,
            },
            "content_urn": self.content.urn,
            "type": self.content.type,
            "progress": max((engagement.progress for engagement in self.engagements), default=0),
            "started_at": min((engagement.at for engagement in self.engagements), default=None),
            "completed_at": self.completed_at,
            "seconds_viewed": sum(engagement.seconds for engagement in self.engagements),
            "pushed": self.pushed,
            "withheld": self.withheld,
        }


class ActivityBook:
    """Every learner's history with every asset."""

    def __init__(self) -> None:
        self._activities: dict[tuple[int, str], Activity] = {}

    def __iter__(self) -> Iterator[Activity]:
        return iter(self._activities.values())

    def of(self, learner: Learner, content: Content) -> Activity:
        """Return a learner's history with an asset; it is created empty if there is none."""
        return self._activities.setdefault((learner.number, content.urn), Activity(learner, content))

    def clear(self) -> None:
        """Forget everything."""
        self._activities.clear()
