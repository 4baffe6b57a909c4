"""Everything one running sandbox holds."""

from sandbox.activity import ActivityBook
from sandbox.catalogue.store import Catalogue
from sandbox.quirks import Parameters, Quirks
from sandbox.requests import RequestLog
from sandbox.rest.classifications import ClassificationStore
from sandbox.rest.tokens import Tokens
from sandbox.settings import Settings


class World:
    """A sandbox without its HTTP side.

    Attributes:
        settings: what it was started with.
        quirks: which quirks are on.
        catalogue: the assets.
        classifications: what the classification resource serves.
        tokens: applications and access tokens.
        activity: what learners really did.
        requests: what was asked so far.
        generation: how many steps the catalogue has taken.
    """

    def __init__(self, settings: Settings, quirks: dict[str, Parameters] | None = None) -> None:
        self.settings = settings
        self.quirks = Quirks(settings.seed)
        for name, parameters in (quirks or {}).items():
            self.quirks.switch_on(name, parameters)
        self.catalogue = Catalogue(settings)
        self.classifications = ClassificationStore()
        self.tokens = Tokens()
        self.activity = ActivityBook()
        self.requests = RequestLog()
        self.generation = 0
