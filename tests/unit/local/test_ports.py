"""A taken port is reported with its holder and a remedy."""

import os
import socket

import pytest

from local import ports
from local.errors import StackError

pytestmark = pytest.mark.enable_socket


def test_a_free_port_can_be_had() -> None:
    ports.ensure_free(ports.free_port(), "a test", "PORT")


def test_a_taken_port_is_told_with_holder_and_remedy() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(StackError) as refused:
            ports.ensure_free(port, "the emulator", "PORT")

    assert f"Port {port}, wanted for the emulator, is taken by process {os.getpid()}" in str(refused.value)
    assert "PORT=" in str(refused.value)
