"""Commands that are advised to whoever reads them: those of the command line itself, and those for calls of the API."""

import re
from contextvars import ContextVar

INTEGRATION = r"(?:\.\.\.|/admin/integrations/[^/\s]+)"
COMMANDS = (
    (rf"PUT {INTEGRATION}/credentials/(content|report)", r"`coursebridge credentials save \1`"),
    (rf"GET {INTEGRATION}/webhook\b", "`coursebridge webhook show`"),
    (rf"POST {INTEGRATION}/webhook/rotate", "`coursebridge webhook rotate`"),
    (rf'POST {INTEGRATION}/runs with \{{"kind": "catalog", "mode": "full"\}}', "`coursebridge runs start --mode full`"),
    (rf"to one: POST {INTEGRATION}/identities", "to one with `coursebridge assign`"),
    (r"after_erasure=true", "`coursebridge assign --after-erasure`"),
    (r"in filters\.include_urns", "in filters.include_urns (`coursebridge filters include`)"),
    (r"a run of kind activity", "a run of kind activity (`coursebridge runs start --kind activity`)"),
    (r"set activity\.enabled", "`coursebridge integrations set activity.enabled=true`"),
)
"""Patterns of advice, each with its replacement."""

_option: ContextVar[str] = ContextVar("_option", default="")


def about(integration_id: str) -> None:
    """Advise all further commands with this integration: there are others, so they would be refused without it."""
    _option.set(f" -i {integration_id}")


def command(words: str) -> str:
    """Return a command for an integration, to be copied as it is.

    Args:
        words: The command and its arguments, without `coursebridge`.
    """
    return f"coursebridge {words}{_option.get()}"


def in_commands(text: str) -> str:
    """Return a text of the API with the calls that it names replaced by commands, to be copied as they are."""
    for pattern, replacement in COMMANDS:
        text = re.sub(pattern, replacement, text)
    return re.sub(r"`coursebridge ([^`]+)`", lambda found: f"`{command(found[1])}`", text)
