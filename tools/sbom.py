"""Write the software bill of materials of the deployed code: `make sbom`, CycloneDX 1.6 as JSON in `dist/sbom.json`.

It lists the packages of the dependencies layer (`layers/dependencies/requirements.txt`) with the hashes that pip
checks. boto3 is not included, because it is part of AWS's runtime.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "layers" / "dependencies" / "requirements.txt"
TARGET = ROOT / "dist" / "sbom.json"
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> Iterator[Component]:
    """Yield a component for each package that a pip lock file pins.

    Raises:
        ValueError: a package is not pinned to one version.
    """
    for entry in lock.replace("\\\n", " ").splitlines():
        text = HASH.sub("", entry.partition("#")[0]).strip()
        if not text:
            continue
        requirement = Requirement(text)
        pins = [specifier.version for specifier in requirement.specifier if specifier.operator == "=="]
        if len(pins) != 1:
            raise ValueError(f"{requirement.name} is not pinned")
        url = PackageURL("pypi", None, requirement.name.lower().replace("_", "-"), pins[0])
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=content) for content in HASH.findall(entry)]
        yield Component(
            name=requirement.name,
            version=pins[0],
            type=ComponentType.LIBRARY,
            purl=url,
            bom_ref=str(url),
            hashes=hashes,
        )


def bill() -> Bom:
    """Return the bill of materials of the current sources."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bom = Bom(components=components(LOCK.read_text()))
    bom.metadata.component = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"]
    )
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def main() -> None:
    """Write the bill of materials, and print its path."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(JsonV1Dot6(bill()).output_as_string(indent=2) + "\n")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}: {len(bill().components)} packages\n")


if __name__ == "__main__":
    main()
