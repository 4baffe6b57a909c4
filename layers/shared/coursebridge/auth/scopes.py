"""OAuth scopes: their names, and what each one allows."""

from typing import Final, Literal

Scope = Literal["xapi:write", "xapi:read", "xapi:all", "admin:read", "admin:write", "learning:read", "learning:write"]

XAPI_WRITE: Final = "xapi:write"
XAPI_READ: Final = "xapi:read"
XAPI_ALL: Final = "xapi:all"
ADMIN_READ: Final = "admin:read"
ADMIN_WRITE: Final = "admin:write"
LEARNING_READ: Final = "learning:read"
LEARNING_WRITE: Final = "learning:write"

XAPI: tuple[Scope, ...] = (XAPI_WRITE, XAPI_READ, XAPI_ALL)
ADMIN: tuple[Scope, ...] = (ADMIN_READ, ADMIN_WRITE)
LEARNING: tuple[Scope, ...] = (LEARNING_READ, LEARNING_WRITE)
ALL = XAPI + ADMIN + LEARNING


def grants(held: frozenset[str], needed: str) -> bool:
    """Return whether the held scopes allow a call that needs this one; ``xapi:all`` includes xAPI's other two."""
    return needed in held or (XAPI_ALL in held and needed in XAPI)
