"""Undocumented behaviour of LinkedIn's APIs, as quirks that can be switched on one by one."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import DAY_MS, now_ms
from sandbox.dice import Dice

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Quirk:
    """One way in which responses differ from the documentation.

    Attributes:
        name: the name by which it is switched on.
        description: what it does, in one line.
        parameters: its parameters with their defaults.
    """

    name: str
    description: str
    parameters: Parameters = field(default_factory=dict)


def _failing(share: float, times: int = 0, **more: float | str) -> Parameters:
    """Return the parameters of a quirk that makes calls fail.

    It affects a `share` of the calls to paths that begin with `path`, at most `times` of them (0 for no limit), and
    spares the first `after`.
    """
    return {"share": share, "times": times, "after": 0, "path": "/v2/", **more}


_ALL = (
    Quirk("short_expiry", "access tokens live for seconds only", {"seconds": 2}),
    Quirk("early_revocation", "every token is revoked (401, 65601) after so many calls", {"calls": 10}),
    Quirk("total_capped_500", "the criteria finder knows no more than 500 results", {"finder": "criteria"}),
    Quirk("total_capped_1000", "the criteria finder knows no more than 1000 results", {"finder": "criteria"}),
    Quirk("multi_type_truncated", "a query for two or more asset types is cut short", {"limit": 100}),
    Quirk("missing_next", "the link to the next page is missing on every so manieth page", {"every": 2}),
    Quirk("prev_only_links", "pages link backwards only"),
    Quirk(
        "short_pages",
        "one offset in so many holds nothing, so pages are short; nothing is lost",
        {"every": 7},
    ),
    Quirk(
        "empty_page_in_middle",
        "a stretch of offsets holds nothing; nothing is lost",
        {"start": 100, "length": 100},
    ),
    Quirk("other_types_on_overrun", "pages past the end hold assets of other types", {"count": 5}),
    Quirk("wrong_type_elements", "every page holds an asset of a type that was not asked for, on top"),
    Quirk(
        "shifting_pages",
        "the list moves while it is read: pages 2, 6, ... repeat the end of the page before, 4, 8, ... skip some",
        {"by": 1},
    ),
    Quirk("unusable_page", "the page that covers an offset always fails with 500", {"start": 100}),
    Quirk(
        "delta_returns_older",
        "filters by time further back than a day let older assets through",
        {"share": 0.5},
    ),
    Quirk("delta_misses_recent", "filters by time do not see the most recent changes yet", {"seconds": 3600}),
    Quirk(
        "absent_details",
        "level, image, descriptions, SSO and AICC links or dates are missing",
        {"share": 0.3},
    ),
    Quirk("country_absent", "locales come without country", {"share": 0.5}),
    Quirk(
        "indonesian_in",
        "assets are also available in Indonesian, with LinkedIn's language code `in`",
        {"share": 0.5},
    ),
    Quirk(
        "unknown_enum_values",
        "levels, contributions, contents and classifications of new kinds",
        {"share": 0.3},
    ),
    Quirk("duplicate_classifications", "classifications are repeated, some by another path", {"share": 0.5}),
    Quirk(
        "unknown_classification",
        "a classification that the classification finders do not list",
        {"share": 0.5},
    ),
    Quirk("changed_owner_urn", "LinkedIn owns classifications as urn:li:company:1337", {"share": 1.0}),
    Quirk("html_descriptions", "descriptions hold mark-up, entities and scripts", {"share": 0.5}),
    Quirk("throttle_short", "429 a few times, then all is well again", _failing(1.0, 3)),
    Quirk("throttle_day", "429 with the DAY limit until midnight UTC", _failing(1.0)),
    Quirk("error_in_200", "status 200 with an error for a body", _failing(0.1)),
    Quirk("not_json_200", "status 200 with a body that is not JSON", _failing(0.1)),
    Quirk("html_error_body", "errors with an HTML page for a body", _failing(0.1, status=502)),
    Quirk("plain_error_body", "errors with plain text for a body", _failing(0.1, status=503)),
    Quirk("server_errors", "500, 502 and 503 with LinkedIn's error body", _failing(0.1)),
    Quirk("echoing_error", "errors that repeat what the call proved itself by", _failing(1.0, status=401)),
    Quirk("slow", "answers take their time", _failing(1.0, seconds=2.0)),
    Quirk("down", "the connection is closed without an answer", _failing(1.0)),
    Quirk("report_missing_email", "report rows come without email", {"share": 0.5}),
    Quirk("report_missing_asset_type", "activities come without assetType", {"share": 0.5}),
    Quirk("report_logins", "reports say LOGINS where DAYS_ACTIVE is documented"),
    Quirk("report_shuffled_activities", "the activities of a row come in any order, with others among them"),
    Quirk("report_pacific_days", "report windows are cut at midnight Pacific time instead of `startedAt`"),
    Quirk("report_lag", "reports do not know the most recent activity yet", {"seconds": 86_400}),
)

_LEAST = {"every": 2}
"""Minimum values of numeric parameters; for all others it is 0."""

QUIRKS = {quirk.name: quirk for quirk in _ALL}


class Quirks:
    """The quirks of one sandbox that are switched on, with their parameters."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._active: dict[str, Parameters] = {}
        self._set_at: dict[str, int] = {}
        self._calls: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()

    def active(self) -> dict[str, Parameters]:
        """Return the quirks that are on, with all their parameters."""
        return dict(self._active)

    def switch_on(self, name: str, parameters: Parameters | None = None) -> None:
        """Switch a quirk on, or replace its parameters if it is on; either way, its counters are reset.

        Raises:
            ValueError: there is no such quirk or parameter, or a value is not valid.
        """
        self._active[name] = merged(name, parameters or {})
        self._set_at[name] = now_ms()
        self._calls[name] = self._hits[name] = 0

    def switch_off(self, name: str | None = None) -> None:
        """Switch one quirk off, or all of them."""
        for quirk in [name] if name else list(self._active):
            self._active.pop(quirk, None)

    def get(self, name: str) -> Parameters | None:
        """Return the parameters of a quirk that is on, None if it is off."""
        return self._active.get(name)

    def dice(self, name: str, key: object) -> Dice:
        """Return a quirk's dice for the thing with this key, which is therefore affected in the same way every time."""
        return Dice(self._seed, name, key)

    def touches(self, name: str, key: object) -> bool:
        """Return whether a quirk with a `share` is on and affects the thing with this key."""
        parameters = self._active.get(name)
        return parameters is not None and self.dice(name, key).chance(parameters["share"])

    def strikes(self, name: str, path: str) -> bool:
        """Return whether a quirk that makes calls fail is on and hits this call; every check counts as a call."""
        parameters = self._active.get(name)
        if parameters is None or not path.startswith(parameters["path"]):
            return False
        self._calls[name] += 1
        spent = 0 < parameters["times"] <= self._hits[name]
        early = self._calls[name] <= parameters["after"]
        if spent or early or not self.dice(name, self._calls[name]).chance(parameters["share"]):
            return False
        self._hits[name] += 1
        return True

    def is_same_day(self, name: str) -> bool:
        """Return whether the quirk was switched on today (UTC)."""
        return self._set_at[name] // DAY_MS == now_ms() // DAY_MS


def parse_quirk(text: str) -> tuple[str, Parameters]:
    """Parse `name` or `name:share=0.5,times=3`.

    Raises:
        ValueError: a parameter has no value.
    """
    name, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    if any(not equals for _, equals, _ in pairs):
        raise ValueError(f"{text!r} is not like name:parameter=value,parameter=value")
    return name, {key: value for key, _, value in pairs}


def merged(name: str, parameters: object) -> Parameters:
    """Return a quirk's parameters, with defaults for those that are not given.

    Raises:
        ValueError: there is no such quirk or parameter, or a value is not valid.
    """
    if name not in QUIRKS:
        raise ValueError(f"There is no quirk {name!r}; see --list-quirks.")
    defaults = QUIRKS[name].parameters
    # ValueError instead of TypeError: this is user input, and all invalid input is refused with the same exception.
    if not isinstance(parameters, dict):
        raise ValueError(f"The parameters of quirk {name!r} have to be an object.")  # noqa: TRY004
    return defaults | {key: _converted(name, defaults, key, value) for key, value in parameters.items()}


def _converted(name: str, defaults: Parameters, key: str, value: object) -> object:
    """Return a parameter's value converted to the type of its default; on the command line, every value is text."""
    if key not in defaults:
        known = ", ".join(defaults) or "none"
        raise ValueError(f"Quirk {name!r} has no parameter {key!r} (it has: {known}).")
    kind = type(defaults[key])
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{key!r} of quirk {name!r} is a {kind.__name__}.")  # noqa: TRY004
    converted: str | int | float = kind(value)
    if not isinstance(converted, str) and converted < _LEAST.get(key, 0):
        raise ValueError(f"{key!r} of quirk {name!r} has to be {_LEAST.get(key, 0)} or more.")
    return converted
