"""The complete state of a running sandbox."""

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
        settings: the settings it was started with.
        quirks: the quirks that are on.
        catalogue: the assets.
        classifications: the classifications that the resource serves.
        tokens: applications and access tokens.
        activity: what learners really did.
        requests: the calls so far.
        generation: number of steps that have changed the catalogue.
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
