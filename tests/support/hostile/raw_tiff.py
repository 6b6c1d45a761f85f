"""TIFF files written byte by byte, so that every tag may lie."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CODES = {
    "byte": (1, "B"),
    "ascii": (2, "B"),
    "short": (3, "H"),
    "long": (4, "I"),
    "double": (12, "d"),
    "long8": (16, "Q"),
}
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR, FORMAT = 273, 277, 278, 279, 284, 339
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 322, 323, 324, 325
SCALE, TIEPOINT, GEO_KEYS = 33550, 33922, 34735
SIDE_PX = 64
Field = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file is put together."""

    big: bool = False
    order: str = "<"
    counts: Mapping[int, int] = field(default_factory=dict)
    """Counts that are announced in place of the true ones."""
    ifd_at: int | None = None
    next_ifd: int | str = 0
    """`self` for a directory that is followed by itself."""


def header_bytes(shape: Shape) -> int:
    """Return where the pixels begin."""
    return 16 if shape.big else 8


def plain_fields(shape: Shape | None = None, side_px: int = SIDE_PX, epsg: int = 32633) -> dict[int, Field]:
    """Return the tags of an honest picture of three bands in one strip."""
    begin = header_bytes(shape or Shape())
    return {
        WIDTH: ("long", [side_px]),
        HEIGHT: ("long", [side_px]),
        BITS: ("short", [8, 8, 8]),
        COMPRESSION: ("short", [1]),
        PHOTOMETRIC: ("short", [2]),
        OFFSETS: ("long", [begin]),
        SAMPLES: ("short", [3]),
        ROWS: ("long", [side_px]),
        COUNTS: ("long", [side_px * side_px * 3]),
        PLANAR: ("short", [1]),
        FORMAT: ("short", [1, 1, 1]),
        **geo_fields(epsg),
    }


def geo_fields(epsg: int = 32633, scale_m: float = 0.3) -> dict[int, Field]:
    """Return the tags that place a picture."""
    return {
        SCALE: ("double", [scale_m, scale_m, 0.0]),
        TIEPOINT: ("double", [0.0, 0.0, 0.0, 500_000.0, 5_500_000.0, 0.0]),
        GEO_KEYS: ("short", [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, epsg]),
    }


def tiled_fields(side_px: int, tile_px: int, offsets: Sequence[int], lengths: Sequence[int]) -> dict[int, Field]:
    """Return the tags of a tiled picture."""
    fields = plain_fields(side_px=side_px)
    for tag in (OFFSETS, COUNTS, ROWS):
        del fields[tag]
    return fields | {
        TILE_WIDTH: ("long", [tile_px]),
        TILE_HEIGHT: ("long", [tile_px]),
        TILE_OFFSETS: ("long", list(offsets)),
        TILE_COUNTS: ("long", list(lengths)),
    }


def plain_pixels(side_px: int = SIDE_PX) -> bytes:
    """Return pixels that differ, three bytes each."""
    return bytes((at * 7 + at // 191) % 251 for at in range(side_px * side_px * 3))


def tiff(fields: Mapping[int, Field], body: bytes = b"", shape: Shape | None = None) -> bytes:
    """Return a file: header, body (pixels), values that do not fit into the directory, directory."""
    shape = shape or Shape()
    begin = header_bytes(shape)
    extra, entries = bytearray(), []
    extra_at = begin + len(body) + (-len(body)) % 8
    for tag, (kind, values) in sorted(fields.items()):
        code, letter = CODES[kind]
        packed = struct.pack(f"{shape.order}{len(values)}{letter}", *values)
        count = shape.counts.get(tag, len(values))
        room = 8 if shape.big else 4
        if len(packed) > room:
            where = extra_at + len(extra)
            extra += packed + b"\0" * (-len(packed) % 8)
            packed = struct.pack(f"{shape.order}{'Q' if shape.big else 'I'}", where)
        entries.append(
            struct.pack(f"{shape.order}HH{'Q' if shape.big else 'I'}", tag, code, count) + packed.ljust(room, b"\0")
        )
    ifd_at = extra_at + len(extra)
    padding = b"\0" * (-len(body) % 8)
    return _header(shape, shape.ifd_at or ifd_at) + body + padding + bytes(extra) + _directory(shape, entries, ifd_at)


def _header(shape: Shape, ifd_at: int) -> bytes:
    magic = b"II" if shape.order == "<" else b"MM"
    if shape.big:
        return magic + struct.pack(f"{shape.order}HHHQ", 43, 8, 0, ifd_at)
    return magic + struct.pack(f"{shape.order}HI", 42, ifd_at)


def _directory(shape: Shape, entries: list[bytes], ifd_at: int) -> bytes:
    follower = ifd_at if shape.next_ifd == "self" else int(shape.next_ifd)
    length, pointer = ("Q", "Q") if shape.big else ("H", "I")
    head = struct.pack(f"{shape.order}{length}", len(entries))
    return head + b"".join(entries) + struct.pack(f"{shape.order}{pointer}", follower)
