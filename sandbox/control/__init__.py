"""The sandbox's own endpoints, under `/_sandbox`: quirks, changes, truth, counters and pushing."""

from starlette.routing import Mount

from sandbox.control import content, learning, switches
from sandbox.control.http import route
from sandbox.world import World


def mount(world: World) -> Mount:
    """Return the routes of the sandbox's own endpoints."""
    entries = [*switches.ROUTES, *content.ROUTES, *learning.ROUTES]
    return Mount("/_sandbox", routes=[route(world, entry) for entry in entries])
