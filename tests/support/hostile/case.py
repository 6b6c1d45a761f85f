"""One hostile file: what it is, how it is made, through which door it is sent, and what may become of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Door(StrEnum):
    """Where a file is sent."""

    IMAGE = "image"
    IMPORT = "import"


class Verdict(StrEnum):
    """What has to become of a file; `EITHER` is for those that a reader may mend, as long as nothing breaks."""

    REFUSED = "refused"
    TAKEN = "taken"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Lures:
    """What no file may make the server touch: a good raster on its disk, and an address that somebody listens at."""

    file: Path
    url: str


Write = Callable[[Path, Lures], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A file of the corpus. `sent_as` is the name in the form, byte for byte; empty: the case's own name."""

    group: str
    name: str
    write: Write
    door: Door = Door.IMAGE
    verdict: Verdict = Verdict.REFUSED
    sent_as: bytes = b""

    @property
    def file_name(self) -> bytes:
        """What the person calls the file."""
        return self.sent_as or self.name.replace(" ", "-").encode() + (b".tif" if self.door is Door.IMAGE else b"")


def plain(content: bytes | Callable[[], bytes]) -> Write:
    """Write these bytes, wherever the lures are."""

    def write(path: Path, lures: Lures) -> None:
        path.write_bytes(content() if callable(content) else content)

    return write
