"""Input for `sam deploy --guided`: the previous answers, and a template bound to what was built."""

import shlex
import tomllib
from pathlib import Path

import yaml

from local.build import Target


def saved_parameters(config: Path) -> dict[str, str]:
    """Return the stack parameters that the last guided deployment saved, by name; empty before the first.

    Args:
        config: `samconfig.toml`, whose environment `default` is read.
    """
    settings = tomllib.loads(config.read_text())["default"]["deploy"]["parameters"]
    saved = settings.get("parameter_overrides", "")
    answers = shlex.split(saved if isinstance(saved, str) else " ".join(saved))
    return {name: value for name, _, value in (answer.partition("=") for answer in answers)}


def overrides(saved: dict[str, str], target: Target) -> list[str]:
    """Return the value of `--parameter-overrides`, including the saved answers, which it would otherwise replace."""
    told = {name for name, _, _ in (parameter.partition("=") for parameter in target.parameters)}
    return [*(f'{name}="{value}"' for name, value in saved.items() if name not in told), *target.parameters]


def only_for(target: Target, built: Path) -> Path:
    """Write a copy of the built template that accepts only the runtime and architecture the layers were built for.

    Otherwise the guide would accept other values, and every function would fail to load.

    Args:
        target: What the artefacts were built for.
        built: Folder with the built template, which is not changed.

    Returns:
        The file to deploy, next to the artefacts it refers to.
    """
    template = yaml.safe_load((built / "template.yaml").read_text())
    for name, value in (parameter.split("=") for parameter in target.parameters):
        template["Parameters"][name] |= {"Default": value, "AllowedValues": [value]}
    bound = built / "deployed.yaml"
    bound.write_text(yaml.safe_dump(template, sort_keys=False))
    return bound
