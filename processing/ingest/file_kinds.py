"""What a file is, by its first bytes: a name's suffix proves nothing, and some drivers run what a file says."""

import json
from enum import StrEnum
from pathlib import Path

from processing.errors import VectorFormatUnknown, VectorUnreadable

HEAD_BYTES = 2**16
RECORD_SEPARATOR = b"\x1e"


class FileKind(StrEnum):
    """The formats that are read."""

    GEOPARQUET = "GeoParquet"
    GEOJSON = "GeoJSON"
    GEOJSON_SEQUENCE = "GeoJSON text sequence"
    FLATGEOBUF = "FlatGeobuf"
    GEOPACKAGE = "GeoPackage"
    ZIPPED_SHAPEFILE = "zipped Shapefile"


MAGIC = (
    (b"PAR1", FileKind.GEOPARQUET),
    (b"fgb\x03", FileKind.FLATGEOBUF),
    (b"SQLite format 3\0", FileKind.GEOPACKAGE),
    (b"PK\x03\x04", FileKind.ZIPPED_SHAPEFILE),
)
NOT_READ = (
    (b"\x00\x00\x27\x0a", "a Shapefile's .shp alone; pack it with its .shx, .dbf and .prj into a ZIP"),
    (b"PK\x05\x06", "an empty ZIP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"<", "XML or HTML"),
)


def kind_of(path: Path, *, name: str) -> FileKind:
    """Return the format of a file. Raises `VectorFormatUnknown`, `VectorUnreadable`."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise VectorUnreadable(name=name, detail=(error.strerror or str(error)).lower()) from error
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(RECORD_SEPARATOR):
        return FileKind.GEOJSON_SEQUENCE
    if text.startswith(b"{"):
        return FileKind.GEOJSON_SEQUENCE if _is_whole_feature(text) else FileKind.GEOJSON
    raise VectorFormatUnknown(name=name, found=_found(head))


def _is_whole_feature(text: bytes) -> bool:
    """Tell newline-delimited features from one document: the first line is a feature by itself, and more follows."""
    line, newline, rest = text.partition(b"\n")
    if not newline or not rest.strip():
        return False
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("type") == "Feature"


def _found(head: bytes) -> str:
    if not head:
        return "nothing"
    return next((words for magic, words in NOT_READ if head.startswith(magic)), "of an unknown kind")
