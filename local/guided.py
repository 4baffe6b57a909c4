"""What `sam deploy --guided` is given, so that what is deployed was built for it and the last answers stand."""

import shlex
import tomllib
from pathlib import Path

import yaml

from local.build import Target


def saved_parameters(config: Path) -> dict[str, str]:
    """Return the parameters of the stack that the guide saved last time, by name; none before the first.

    Args:
        config: `samconfig.toml`, whose environment `default` is read.
    """
    settings = tomllib.loads(config.read_text())["default"]["deploy"]["parameters"]
    saved = settings.get("parameter_overrides", "")
    answers = shlex.split(saved if isinstance(saved, str) else " ".join(saved))
    return {name: value for name, _, value in (answer.partition("=") for answer in answers)}


def overrides(saved: dict[str, str], target: Target) -> list[str]:
    """Return what `--parameter-overrides` takes: it replaces the saved answers, so they are among it."""
    told = {name for name, _, _ in (parameter.partition("=") for parameter in target.parameters)}
    return [*(f'{name}="{value}"' for name, value in saved.items() if name not in told), *target.parameters]


def only_for(target: Target, built: Path) -> Path:
    """Write the built template as one that takes no other runtime and architecture than the layers were built for.

    Without that, another answer to the guide would be taken, and every function end while it loads.

    Args:
        target: What the artefacts were built for.
        built: Folder with the built template, which stays as it is.

    Returns:
        The file to deploy, beside the artefacts it names.
    """
    template = yaml.safe_load((built / "template.yaml").read_text())
    for name, value in (parameter.split("=") for parameter in target.parameters):
        template["Parameters"][name] |= {"Default": value, "AllowedValues": [value]}
    bound = built / "deployed.yaml"
    bound.write_text(yaml.safe_dump(template, sort_keys=False))
    return bound
