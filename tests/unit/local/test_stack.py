"""Bringing a stack up and taking it down: nothing twice, nothing by halves, nothing left over."""

from pathlib import Path

import pytest

from local import build, processes, stack
from local.errors import StackError
from local.outputs import Outputs
from local.processes import Started
from local.settings import StackSettings

RUNNING = Started("emulator", 1, 1.0, Path("emulator.log"))


def outputs() -> Outputs:
    return Outputs(
        api_url="http://127.0.0.1:4566/api",
        linkedin_url="http://127.0.0.1:9000",
        endpoint_url="http://127.0.0.1:4566",
        region="eu-west-1",
        table_name="table",
        bucket_name="bucket",
        event_bus_name="bus",
        admin_client_id="admin",
        admin_client_secret="the secret",
        state_machine_arns={},
        function_names={},
        log_groups={},
        logs="logs",
    )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    monkeypatch.setattr(build, "fingerprint", lambda _: "present code")
    monkeypatch.setattr(stack, "emulator_answers", lambda _: True)
    monkeypatch.setattr(stack, "is_alive", lambda _: True)
    monkeypatch.setattr(stack, "stop", lambda _: None)
    return StackSettings(state_dir=tmp_path)


@pytest.fixture
def brought_up(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> list[StackSettings]:
    """The settings of every stack that was really brought up."""
    times: list[StackSettings] = []

    def bring_up(settings: StackSettings) -> Outputs:
        times.append(settings)
        processes.remember([RUNNING], settings.state_dir / "processes.json")
        outputs().write(settings.outputs_file)
        (settings.state_dir / "stack-of").write_text(stack._identity(settings))
        return outputs()

    monkeypatch.setattr(stack, "_bring_up", bring_up)
    return times


def test_a_stack_that_is_up_is_used(settings: StackSettings, brought_up: list[StackSettings]) -> None:
    first, second = stack.up(settings), stack.up(settings)

    assert first == second
    assert len(brought_up) == 1


def test_a_stack_of_older_code_is_replaced(
    settings: StackSettings, brought_up: list[StackSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up(settings)
    monkeypatch.setattr(build, "fingerprint", lambda _: "newer code")
    stack.up(settings)

    assert len(brought_up) == 2


def test_a_stack_that_died_is_replaced(
    settings: StackSettings, brought_up: list[StackSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up(settings)
    monkeypatch.setattr(stack, "is_alive", lambda _: False)
    stack.up(settings)

    assert len(brought_up) == 2


def test_after_going_down_nothing_describes_a_stack(settings: StackSettings, brought_up: list[StackSettings]) -> None:
    stack.up(settings)

    assert stack.down(settings)
    assert not stack.down(settings)
    assert not settings.outputs_file.exists()
    assert stack.processes(settings) == []


def test_a_stack_that_cannot_be_brought_up_is_taken_down(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[Started] = []

    def fail(settings: StackSettings) -> Outputs:
        processes.remember([RUNNING], settings.state_dir / "processes.json")
        raise StackError("no")

    monkeypatch.setattr(stack, "_bring_up", fail)
    monkeypatch.setattr(stack, "stop", stopped.append)

    with pytest.raises(StackError):
        stack.up(settings)
    assert stopped == [RUNNING]


def test_only_the_owner_can_read_the_outputs(tmp_path: Path) -> None:
    outputs().write(tmp_path / "outputs.json")

    assert (tmp_path / "outputs.json").stat().st_mode & 0o077 == 0
    assert Outputs.read(tmp_path / "outputs.json") == outputs()


def test_the_admins_secret_does_not_show_when_outputs_are_printed() -> None:
    assert "the secret" not in repr(outputs())
