"""The LinkedIn Learning sandbox as a process beside the emulator."""

import os
import sys

from local.emulator import answers
from local.processes import Started, start
from local.settings import ROOT, StackSettings

HEALTH = "/_sandbox/health"


def start_sandbox(settings: StackSettings) -> Started:
    """Start the sandbox in the background."""
    command = [sys.executable, "-m", "sandbox", "--port", str(settings.sandbox_port)]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(settings.state_dir),
    }
    return start("sandbox", command, environment, settings.log_file("sandbox"), ROOT)


def sandbox_answers(settings: StackSettings) -> bool:
    """Tell whether the sandbox is ready for calls."""
    return answers(settings.effective_linkedin_url + HEALTH)
