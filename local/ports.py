"""TCP ports: whether one is free, which process holds it, and how to find a free one."""

import socket

import psutil

from local.errors import StackError
from local.settings import LOOPBACK


def ensure_free(port: int, purpose: str, variable: str) -> None:
    """Check that a port of the loopback address can be listened on.

    Args:
        port: The port.
        purpose: What the port is for, for the message.
        variable: The make variable that selects another port.

    Raises:
        StackError: The port is taken. The message gives the remedy and, if known, the process that holds the port.
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
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    try:
        listening = (c for c in psutil.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN and c.pid)
        holder = next(psutil.Process(c.pid) for c in listening if c.laddr and c.laddr.port == port)
        return f" by process {holder.pid} ({' '.join(holder.cmdline())[:80]})"
    except (psutil.Error, StopIteration):
        # Most systems hide other users' processes.
        return ""
