"""The manifest: which files make up the index, how far its feeder has come, and what it should add up to.

It is the only file that ever changes, and it is replaced at once: whoever opens the index sees one committed state.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from processing.errors import FootprintIndexDamaged
from processing.footprint_index.checksums import Checksum

FORMAT = 1
FILE_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One segment: its file, and the file that names its dead rows, if any are dead."""

    file: str
    rows: int
    vertices: int
    min_id: int
    max_id: int
    dead_file: str | None = None
    dead: int = 0

    @property
    def live(self) -> int:
        """Rows that are not dead."""
        return self.rows - self.dead


@dataclass(frozen=True, slots=True)
class Manifest:
    """One committed state. `position` belongs to the feeder; the index only keeps it."""

    generation: int = 0
    position: int = 0
    checksum: Checksum = field(default_factory=Checksum)
    segments: tuple[SegmentEntry, ...] = ()
    sources_file: str | None = None

    @property
    def files(self) -> frozenset[str]:
        """Names of all files of this state, besides the manifest."""
        names = {entry.file for entry in self.segments} | {entry.dead_file for entry in self.segments}
        return frozenset(name for name in names | {self.sources_file} if name is not None)


def read_manifest(folder: Path) -> Manifest:
    """Return the committed state; an empty one for a new folder. Raises `FootprintIndexDamaged`."""
    try:
        content = json.loads((folder / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return Manifest()
    except ValueError as error:
        raise FootprintIndexDamaged(name=FILE_NAME, detail=str(error)) from error
    try:
        if content.pop("format") != FORMAT:
            raise FootprintIndexDamaged(name=FILE_NAME, detail="it has another format")
        content["segments"] = tuple(SegmentEntry(**entry) for entry in content["segments"])
        content["checksum"] = Checksum(**content["checksum"])
        return Manifest(**content)
    except (KeyError, TypeError, AttributeError) as error:
        raise FootprintIndexDamaged(name=FILE_NAME, detail=f"it lacks {error}") from error


def commit_manifest(folder: Path, manifest: Manifest) -> None:
    """Make the new state the current one, durably. The files that it names must have been synchronized before."""
    content = json.dumps({"format": FORMAT, **asdict(manifest)}).encode()
    aside = folder / f"{FILE_NAME}.new"
    write_durably(aside, content)
    sync_folder(folder)
    os.replace(aside, folder / FILE_NAME)
    sync_folder(folder)


def write_durably(path: Path, content: bytes) -> None:
    """Write a whole file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
