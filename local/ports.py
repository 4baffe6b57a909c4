"""TCP ports: is one free, who has it if not, and which one is."""

import socket

import psutil

from local.errors import StackError
from local.settings import LOOPBACK


def ensure_free(port: int, purpose: str, variable: str) -> None:
    """Check that a port of the loopback address can be listened on.

    Args:
        port: The port.
        purpose: What it is wanted for, for the message.
        variable: The make variable that chooses another one.

    Raises:
        StackError: it is taken; the message names the holder if the system tells, and the remedy.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"Port {port}, wanted for {purpose}, is taken{_holder(port)}.\n"
                f"Stop that, or choose another port: {variable}={free_port()}"
            ) from error


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    try:
        listening = (c for c in psutil.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN and c.pid)
        holder = next(psutil.Process(c.pid) for c in listening if c.laddr and c.laddr.port == port)
        return f" by process {holder.pid} ({' '.join(holder.cmdline())[:80]})"
    except (psutil.Error, StopIteration):
        # Other people's processes are not ours to see on most systems.
        return ""
