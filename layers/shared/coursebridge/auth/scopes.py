"""OAuth scopes: their names, and what each one allows."""

XAPI_WRITE, XAPI_READ, XAPI_ALL = "xapi:write", "xapi:read", "xapi:all"
ADMIN_READ, ADMIN_WRITE = "admin:read", "admin:write"
LEARNING_READ, LEARNING_WRITE = "learning:read", "learning:write"

XAPI = (XAPI_WRITE, XAPI_READ, XAPI_ALL)
ADMIN = (ADMIN_READ, ADMIN_WRITE)
LEARNING = (LEARNING_READ, LEARNING_WRITE)
ALL = XAPI + ADMIN + LEARNING


def grants(held: frozenset[str], needed: str) -> bool:
    """Return whether the held scopes allow a call that needs this one; ``xapi:all`` includes xAPI's other two."""
    return needed in held or (XAPI_ALL in held and needed in XAPI)
