"""The OpenAPI document and its HTML page, which are generated from the code (`make openapi`) and ship with it."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def openapi() -> str:
    """Return the OpenAPI document."""
    return (HERE / "openapi.json").read_text()


@cache
def page() -> str:
    """Return the HTML page."""
    return (HERE / "docs.html").read_text()
