"""The emulator's process: its Lambda workers share the files of a layer instead of unpacking a copy each.

Every worker it starts unpacks all layers of its function: two thousand files, a second of processor time. AWS mounts a
layer read-only, so that functions cannot tell whether others use the same files.

This runs with the emulator's interpreter, by its path; nothing else of this package can be imported here.
"""

import hashlib
import os
import runpy
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

_lock = threading.Lock()


class SharingZipFile(zipfile.ZipFile):
    """A zip file that unpacks a layer only once; later workers (``ministack-lambda-.../layer_0``) link to its files."""

    def extractall(
        self,
        path: str | os.PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """Unpack everything into a folder, a layer of a worker by links to the shared files."""
        folder = Path(path or ".")
        is_layer = folder.name.startswith("layer_") and folder.parent.name.startswith("ministack-lambda-")
        if not is_layer:
            super().extractall(path, members, pwd)
            return
        for entry in self._unpacked().iterdir():
            (folder / entry.name).symlink_to(entry)

    def _unpacked(self) -> Path:
        content = [(member.filename, member.CRC, member.file_size) for member in self.infolist()]
        folder = Path(tempfile.gettempdir()) / f"layer-{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}"
        with _lock:
            if not folder.exists():
                unfinished = Path(tempfile.mkdtemp())
                super().extractall(unfinished)
                unfinished.rename(folder)
        return folder


if __name__ == "__main__":
    zipfile.ZipFile = SharingZipFile  # type: ignore[misc]
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
