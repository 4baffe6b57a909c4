"""What the API advises in its own calls, in the commands that do the same."""

import re

INTEGRATION = r"(?:\.\.\.|/admin/integrations/[^/\s]+)"
COMMANDS = (
    (rf"PUT {INTEGRATION}/credentials/(content|report)", r"`coursebridge credentials save \1`"),
    (rf"GET {INTEGRATION}/webhook\b", "`coursebridge webhook show`"),
    (rf"POST {INTEGRATION}/webhook/rotate", "`coursebridge webhook rotate`"),
    (rf'POST {INTEGRATION}/runs with \{{"kind": "catalog", "mode": "full"\}}', "`coursebridge runs start --mode full`"),
    (rf"to one: POST {INTEGRATION}/identities", "to one with `coursebridge assign`"),
    (r"after_erasure=true", "`coursebridge assign --after-erasure`"),
    (r"the filters' include_urns", "include_urns with `coursebridge filters include`"),
    (r"in filters\.include_urns", "in filters.include_urns (`coursebridge filters include`)"),
    (r"a run of kind activity", "a run of kind activity (`coursebridge runs start --kind activity`)"),
    (r"set activity\.enabled", "`coursebridge integrations set activity.enabled=true`"),
)
"""Patterns of advice, each with its replacement."""


def in_commands(text: str) -> str:
    """Return a text of the API with the calls that it names replaced by commands."""
    for pattern, command in COMMANDS:
        text = re.sub(pattern, command, text)
    return text
