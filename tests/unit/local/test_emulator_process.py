from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from local.emulator_process import SharingZipFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The emulator's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def packed(files: dict[str, str]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content


def folder_of(scratch: Path, worker: str, name: str = "layer_0") -> Path:
    folder = scratch / f"ministack-lambda-{worker}" / name
    folder.mkdir(parents=True)
    return folder


def unpack(content: io.BytesIO, folder: Path) -> Path:
    with SharingZipFile(content) as archive:
        archive.extractall(folder)
    return folder


LAYER = {"python/greeting.py": "HELLO = 'hello'", "python/names/__init__.py": ""}


def test_workers_share_the_files_of_a_layer(scratch: Path) -> None:
    layer = packed(LAYER)

    one, other = (unpack(layer, folder_of(scratch, worker)) for worker in ("one", "other"))

    assert {str(file.relative_to(one)) for file in (one / "python").rglob("*.py")} == LAYER.keys()
    assert (one / "python/greeting.py").samefile(other / "python/greeting.py")


def test_a_worker_that_ends_leaves_the_others_their_layer(scratch: Path) -> None:
    layer = packed(LAYER)
    one, other = (unpack(layer, folder_of(scratch, worker)) for worker in ("one", "other"))

    shutil.rmtree(one.parent)

    assert (other / "python/greeting.py").read_text() == "HELLO = 'hello'"


def test_another_version_of_a_layer_has_files_of_its_own(scratch: Path) -> None:
    old = unpack(packed(LAYER), folder_of(scratch, "old"))
    new = unpack(packed({**LAYER, "python/greeting.py": "HELLO = 'hi'"}), folder_of(scratch, "new"))

    assert (old / "python/greeting.py").read_text() == "HELLO = 'hello'"
    assert (new / "python/greeting.py").read_text() == "HELLO = 'hi'"


def test_everything_else_is_unpacked_as_usual(scratch: Path) -> None:
    code = packed({"handler.py": ""})

    one, other = (unpack(code, folder_of(scratch, worker, "code")) for worker in ("one", "other"))

    assert not (one / "handler.py").is_symlink()
    assert not (one / "handler.py").samefile(other / "handler.py")


def test_a_layer_that_was_unpacked_in_part_is_not_used(scratch: Path) -> None:
    damaged = io.BytesIO(packed(LAYER).getvalue().replace(b"HELLO", b"HULLO"))
    one, other = (folder_of(scratch, worker) for worker in ("one", "other"))

    for folder in (one, other):
        with pytest.raises(zipfile.BadZipFile, match="Bad CRC"):
            unpack(damaged, folder)
