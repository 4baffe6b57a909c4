"""Command line of the embedded stack; the Makefile targets call these commands."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from local import build as builder
from local import checks, demo, function_logs, guided, lock, rotation, stack
from local.console import console, step
from local.errors import StackError
from local.outputs import Outputs
from local.processes import Started, is_alive, tail
from local.settings import DEFAULT_PORT, DEFAULT_SANDBOX_PORT, ROOT, SAM, StackSettings

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

StateDir = Annotated[Path, typer.Option(help="Folder for logs, process ids and outputs.json.")]
Port = Annotated[int, typer.Option(envvar="PORT", help="Port of the AWS emulator and the API.")]
SandboxPort = Annotated[int, typer.Option(envvar="SANDBOX_PORT", help="Port of the LinkedIn Learning sandbox.")]
LinkedInUrl = Annotated[str, typer.Option(envvar="LINKEDIN_URL", help="Use this LinkedIn and start no sandbox.")]
Iam = Annotated[bool, typer.Option(envvar="IAM", help="Let functions do only what their roles allow.")]
Runtime = Annotated[str, typer.Option(envvar="RUNTIME", help="Lambda runtime, such as python3.13.")]
Architecture = Annotated[str, typer.Option(envvar="ARCHITECTURE", help="arm64 or x86_64.")]

STATE_DIR = ROOT / ".local"


@app.command()
def up(
    state_dir: StateDir = STATE_DIR,
    port: Port = DEFAULT_PORT,
    sandbox_port: SandboxPort = DEFAULT_SANDBOX_PORT,
    linkedin_url: LinkedInUrl = "",
    *,
    iam: Iam = True,
) -> None:
    """Build, deploy and start the stack in the background."""
    settings = _settings(state_dir, port, sandbox_port, linkedin_url, iam=iam)
    demo.show_addresses(stack.up(settings))
    console.print("  It runs in the background. Stop it with: make down")


@app.command()
def run(
    state_dir: StateDir = STATE_DIR,
    port: Port = DEFAULT_PORT,
    sandbox_port: SandboxPort = DEFAULT_SANDBOX_PORT,
    linkedin_url: LinkedInUrl = "",
    *,
    iam: Iam = True,
) -> None:
    """Start the stack, play the demonstration, and keep running until Ctrl-C."""
    settings = _settings(state_dir, port, sandbox_port, linkedin_url, iam=iam)
    was_running = stack.current(settings) is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        demo.play(stack.up(settings))
        console.print("  It keeps running until Ctrl-C.")
        _wait_while_alive(stack.processes(settings))
    except KeyboardInterrupt:
        console.print()
    finally:
        if was_running:
            console.print("  It was running before, so it is left running. Stop it with: make down")
        else:
            _take_down(settings)


@app.command()
def down(state_dir: StateDir = STATE_DIR) -> None:
    """Stop the stack and everything it started."""
    _take_down(StackSettings(state_dir=state_dir))


@app.command()
def status(state_dir: StateDir = STATE_DIR) -> None:
    """Show the processes of the stack and its addresses."""
    settings = StackSettings(state_dir=state_dir)
    alive = {each: is_alive(each) for each in stack.processes(settings)}
    for each, is_running in alive.items():
        state = "running" if is_running else "gone"
        console.print(f"  {each.name}: {state}, process {each.pid}, logs to {each.log}")
    if not alive:
        console.print("  Nothing is running. Start it with: make up")
    elif not all(alive.values()):
        console.print("  It has ended by itself. Start it anew with: make up")
    elif settings.outputs_file.is_file():
        demo.show_addresses(Outputs.read(settings.outputs_file))


@app.command()
def logs(
    state_dir: StateDir = STATE_DIR, *, follow: Annotated[bool, typer.Option(help="Go on for ever.")] = False
) -> None:
    """Show the logs of the functions."""
    outputs_file = StackSettings(state_dir=state_dir).outputs_file
    if not outputs_file.is_file():
        raise StackError("Nothing is running. Start it with: make up")
    outputs = Outputs.read(outputs_file)
    for line in function_logs.follow(outputs) if follow else (line for _, line in function_logs.lines(outputs)):
        console.print(line, markup=False)


@app.command(name="rotate-keys")
def rotate_keys(state_dir: StateDir = STATE_DIR) -> None:
    """Rotate the keys that sign access tokens, as Secrets Manager does on AWS."""
    settings = StackSettings(state_dir=state_dir)
    if not settings.outputs_file.is_file():
        raise StackError("Nothing is running. Start it with: make up")
    kids = rotation.rotate_keys(Outputs.read(settings.outputs_file))
    console.print(f"  In force, the newest last: {', '.join(kids)}")


@app.command()
def build(runtime: Runtime = "", architecture: Architecture = "") -> None:
    """Build the artefacts for AWS."""
    built = _built(builder.aws_target(runtime or None, architecture or None))
    console.print(f"  {built.relative_to(ROOT)}")


@app.command()
def deploy(runtime: Runtime = "", architecture: Architecture = "") -> None:
    """Build, then deploy to AWS with `sam deploy --guided`, offering your previous answers as defaults."""
    config = ROOT / "samconfig.toml"
    saved = guided.saved_parameters(config)
    target = builder.aws_target(runtime or saved.get("Runtime"), architecture or saved.get("Architecture"))
    template = guided.only_for(target, _built(target))
    command = (SAM, "deploy", "--guided", "--config-file", config, "--template-file", template)
    overrides = ("--parameter-overrides", *guided.overrides(saved, target))
    console.print("  SAM asks whether functions may have no authentication. Answer y: they check tokens themselves.")
    # Inherits the environment: the deployment must use the caller's AWS profile.
    finished = subprocess.run([*command, *overrides], cwd=ROOT, check=False)  # noqa: S603
    raise typer.Exit(finished.returncode)


@app.command()
def test() -> None:
    """Run all tests: unit, packaging and end-to-end."""
    raise typer.Exit(0 if checks.run_tests() else 1)


@app.command()
def check() -> None:
    """Run lint, types, template checks, known vulnerabilities and the unit tests."""
    raise typer.Exit(0 if checks.run_checks() else 1)


@app.command(name="lock")
def renew_locks() -> None:
    """Renew the locked requirements."""
    lock.renew()


def _settings(state_dir: Path, port: int, sandbox_port: int, linkedin_url: str, *, iam: bool) -> StackSettings:
    return StackSettings(
        state_dir=state_dir.resolve(),
        port=port,
        sandbox_port=sandbox_port,
        linkedin_url=linkedin_url.rstrip("/") or None,
        enforce_iam=iam,
    )


def _built(target: builder.Target) -> Path:
    what = f"for {target.runtime} on {target.architecture}"
    with step(f"Building {what} (sam build)", f"Built {what}"):
        return builder.build(target)


def _take_down(settings: StackSettings) -> None:
    with step("Stopping", "Stopped; nothing is left running"):
        stack.down(settings)


def _wait_while_alive(started: list[Started]) -> None:
    while True:
        for each in started:
            if not is_alive(each):
                raise StackError(f"The {each.name} has ended by itself. The end of {each.log}:\n\n{tail(each.log)}")
        time.sleep(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        app()
    except StackError as failure:
        console.print(f"\n{failure}", markup=False)
        sys.exit(1)
