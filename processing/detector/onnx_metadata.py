"""Read the metadata of an ONNX file without loading the network: the doors of the application need no more.

An ONNX file is one protocol buffer message; its fields stand one after the other with their lengths, so that all but
`metadata_props` (field 14: entries of key, field 1, and value, field 2) is skipped.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from processing.errors import WeightsInvalid

METADATA, KEY, VALUE = 14, 1, 2
VARINT, EIGHT_BYTES, COUNTED, FOUR_BYTES = 0, 1, 2, 5
FIXED_SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
SHIFT_MOST = 63

type Buffer = bytes | mmap.mmap


def read_onnx_metadata(path: Path) -> dict[str, str]:
    """Return the file's metadata. Raises `WeightsInvalid` for a file that is not there or is no protocol buffer."""
    if not path.is_file():
        raise WeightsInvalid(name=path.name, detail="there is no such file")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            entries = [content[start:stop] for field, start, stop in _fields(content) if field == METADATA]
        return dict(_entry(entry) for entry in entries)
    except (ValueError, IndexError, OSError) as error:
        raise WeightsInvalid(name=path.name, detail="it cannot be read as ONNX") from error


def _entry(content: bytes) -> tuple[str, str]:
    parts = {field: content[start:stop].decode() for field, start, stop in _fields(content)}
    return parts.get(KEY, ""), parts.get(VALUE, "")


def _fields(content: Buffer) -> Iterator[tuple[int, int, int]]:
    """Give number, start and end of each field. Raises ValueError, IndexError where the bytes make no sense."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        field, kind = key >> 3, key & 7
        if kind == VARINT:
            start, (_, at) = at, _varint(content, at)
        elif kind == COUNTED:
            length, start = _varint(content, at)
            at = start + length
        elif kind in FIXED_SIZES:
            start, at = at, at + FIXED_SIZES[kind]
        else:
            raise ValueError(f"kind {kind}")
        if at > len(content):
            raise ValueError("cut off")
        yield field, start, at


def _varint(content: Buffer, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift <= SHIFT_MOST:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number without an end")
