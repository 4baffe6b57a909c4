"""A sandbox over real connections, and its command line."""

import signal
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest
import pytest_socket

import sandbox
from sandbox import outbound
from sandbox.cli import main
from sandbox.errors import PortTaken
from sandbox.quirks import QUIRKS
from sandbox.server import listen


@pytest.fixture(autouse=True)
def _loopback_is_open(_event_loops_may_wake_themselves: None) -> None:
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1"])


def test_a_sandbox_is_served_until_the_block_ends() -> None:
    with sandbox.serving(size=5, quirks={"slow": {"seconds": 0}}) as server:
        health = httpx.get(f"{server.url}/_sandbox/health").json()
        assert health["assets"] == len(server.world.catalogue)
        assert server.world.quirks.get("slow") is not None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/_sandbox/health")


def test_sandboxes_live_side_by_side() -> None:
    with sandbox.serving(size=5) as one, sandbox.serving(size=10) as two:
        assert one.url != two.url
        sizes = [httpx.get(f"{server.url}/_sandbox/health").json()["assets"] for server in (one, two)]
    assert sizes[0] < sizes[1]


def test_down_closes_the_connection() -> None:
    with sandbox.serving(size=5, quirks={"down": {}}) as server, pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/v2/learningAssets")


def test_a_taken_port_is_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)), sandbox.serving(port=port):
            pass
        assert main(["--port", str(port)]) == 2
    printed = capsys.readouterr().out
    assert str(port) in printed
    assert "--port" in printed


@pytest.mark.parametrize(("given", "days"), [((), 0.0), (("--days", "0.5"), 0.5)])
def test_a_push_by_hand_lets_learners_finish_now_or_within_the_days_given(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], days: float
) -> None:
    asked: list[dict[str, Any]] = []

    def post(url: str, *, json: dict[str, Any], **_options: Any) -> httpx.Response:
        asked.append(json)
        return httpx.Response(200, json={"truth": [], "acknowledged": []})

    monkeypatch.setattr(httpx, "post", post)
    target = ("--oauth-url", "o", "--statements-url", "s", "--client-id", "c", "--client-secret", "x")

    assert main(["push", *target, *given]) == 0
    assert asked[0]["days"] == days


def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_another_failure_to_listen_is_told_as_it_is() -> None:
    with pytest.raises(OSError, match=r"assign|bind|address"):
        listen("192.0.2.1", 0)


def test_the_command_line_serves_and_says_when_it_is_ready() -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--port",
        "0",
        "--size",
        "3",
        "--locale",
        "de_DE",
        "--quirk",
        "slow:seconds=0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("sandbox ready at "):
                break
        url = lines[-1].removeprefix("sandbox ready at ").strip()
        assert httpx.get(f"{url}/_sandbox/quirks").json()["active"]["slow"]["seconds"] == 0
        assert {row["locale"] for row in httpx.get(f"{url}/_sandbox/truth/assets").json()["items"]} == {"de_DE"}
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert any("sandbox-both" in line for line in lines)


def test_quirks_are_listed_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-quirks"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in QUIRKS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--quirk", "nonsense"], "no quirk"), (["--quirk", "slow:2"], "slow:2"), (["--locale", "tlh_KX"], "tlh_KX")],
)
def test_a_bad_option_is_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_receiver_on_this_machine_is_called_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    with sandbox.serving(size=5) as server, outbound.client() as client:
        assert client.get(f"{server.url}/_sandbox/health").status_code == 200


TARGET = ["--client-id", "us", "--client-secret", "hush"]


def test_a_push_on_the_command_line_needs_a_sandbox(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    arguments = ["push", "--sandbox", url, "--oauth-url", url, "--statements-url", url, *TARGET]
    assert main(arguments) == 2
    assert "python -m sandbox" in capsys.readouterr().out


def test_a_push_on_the_command_line_tells_the_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox.serving(size=30) as server:
        refused = ["push", "--sandbox", server.url, "--oauth-url", server.url, "--statements-url", server.url, *TARGET]
        assert main(refused) == 1
        assert "no token" in capsys.readouterr().out
        # The sandbox's own token endpoint serves as the receiver's; statements get a 404 there.
        client = ["--client-id", "sandbox-both", "--client-secret", "WPL_AP1.both/c2Vj+cmV0=="]
        arguments = ["push", "--sandbox", server.url, "--oauth-url", f"{server.url}/oauth/v2/accessToken"]
        more = ["--statements-url", f"{server.url}/xapi", "--learners", "2", "--variants", "unknown_verb"]
        assert main([*arguments, *more, *client, "--no-version-header"]) == 0
    printed = capsys.readouterr().out
    assert '"404"' in printed
    assert '"acknowledged": 0' in printed
