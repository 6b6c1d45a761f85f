"""TIFF files that lie about themselves: cut off, without end, too large, packed wrongly."""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.processing.made_scenes import write_scene
from tests.support.hostile import raw_tiff as raw
from tests.support.hostile.case import Case, Verdict, plain
from tests.support.hostile.raw_tiff import Shape, geo_fields, plain_fields, plain_pixels, tiff, tiled_fields

GROUP = "tiff"
PARTS = 20
PIXELS = plain_pixels()
BIG = Shape(big=True)
CODECS = {
    "ccitt-g4": 4,
    "lzw": 5,
    "old-jpeg": 6,
    "jpeg": 7,
    "deflate": 8,
    "packbits": 32773,
    "lerc": 34887,
    "lzma": 34925,
    "zstd": 50000,
    "webp": 50001,
    "jxl": 50002,
    "unknown-codec": 65000,
}


def tiff_cases() -> list[Case]:
    """Return all of them."""
    return [
        *(_refused(f"cut at {part} of {PARTS}", lambda part=part: _cut(part)) for part in range(1, PARTS)),
        _refused("last byte missing", lambda: _whole()[:-1]),
        *(_refused(f"damaged {name}", lambda code=code: _damaged(code)) for name, code in CODECS.items()),
        *_directories(),
        *_sizes(),
        *_strips(),
        *_bombs(),
        *_odd_samples(),
    ]


def _refused(name: str, make: Callable[[], bytes], verdict: Verdict = Verdict.REFUSED) -> Case:
    return Case(GROUP, name, plain(make), verdict=verdict)


def _either(name: str, make: Callable[[], bytes]) -> Case:
    return _refused(name, make, Verdict.EITHER)


@cache
def _whole() -> bytes:
    with TemporaryDirectory() as folder:
        bands = np.random.default_rng(5).integers(20, 200, (3, 300, 300)).astype(np.uint8)
        return write_scene(Path(folder) / "whole.tif", bands).read_bytes()


def _cut(part: int) -> bytes:
    return _whole()[: len(_whole()) * part // PARTS]


def _damaged(code: int) -> bytes:
    noise = random.Random(code).randbytes(4000)
    return tiff(plain_fields() | {raw.COMPRESSION: ("short", [code]), raw.COUNTS: ("long", [len(noise)])}, noise)


def _directories() -> list[Case]:
    return [
        _refused("byte order swapped", lambda: b"MM" + _whole()[2:]),
        _either("directory followed by itself", lambda: tiff(plain_fields(), PIXELS, Shape(next_ifd="self"))),
        _either("next directory past the end", lambda: tiff(plain_fields(), PIXELS, Shape(next_ifd=2**31))),
        _refused("directory past the end", lambda: tiff(plain_fields(), PIXELS, Shape(ifd_at=2**31 - 5))),
        _refused("directory inside the header", lambda: tiff(plain_fields(), PIXELS, Shape(ifd_at=1))),
        _refused("bigtiff directory at 2^63", lambda: tiff(plain_fields(BIG), PIXELS, Shape(big=True, ifd_at=2**63))),
        _refused("65535 entries announced", lambda: b"II*\0" + struct.pack("<IH", 8, 65535) + b"\xff" * 500),
        _refused("header alone", lambda: b"II*\0" + struct.pack("<I", 8)),
        _refused("four bytes", lambda: b"II*\0"),
        _refused("bigtiff with offsets of 16 bytes", lambda: b"II+\0" + struct.pack("<HHQ", 16, 0, 16) + b"\0" * 64),
        _either("10,000 directories", _many_pages),
        _either("sub-directories that are the picture itself", _own_child),
        _refused("no tags at all", lambda: tiff({}, PIXELS)),
        _either("noise in every tag", lambda: _flipped(11)),
        _either("noise in every tag, again", lambda: _flipped(29)),
    ]


def _many_pages() -> bytes:
    """Small directories, one after the other, each with the same strip."""
    first = bytearray(tiff(plain_fields(), PIXELS))
    names = (raw.WIDTH, raw.HEIGHT, raw.OFFSETS, raw.COUNTS)
    fields = {tag: plain_fields()[tag] for tag in names}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, values[0]) for tag, (_, values) in sorted(fields.items()))
    page = struct.pack("<H", len(names)) + entries
    at = len(first)
    first[-4:] = struct.pack("<I", at)
    for number in range(10_000):
        after = at + (number + 1) * (len(page) + 4)
        first += page + struct.pack("<I", 0 if number == 9_999 else after)
    return bytes(first)


def _own_child() -> bytes:
    fields = plain_fields() | {330: ("long", [0] * 8)}
    ifd_at = struct.unpack_from("<I", tiff(fields, PIXELS), 4)[0]
    return tiff(fields | {330: ("long", [ifd_at] * 8)}, PIXELS)


def _flipped(step: int) -> bytes:
    whole = bytearray(tiff(plain_fields(), PIXELS))
    for at in range(len(PIXELS) + 8, len(whole), step):
        whole[at] ^= 0xA5
    return bytes(whole)


def _sizes() -> list[Case]:
    def sized(width: int, height: int, **more: object) -> bytes:
        fields = plain_fields() | {raw.WIDTH: ("long", [width]), raw.HEIGHT: ("long", [height])}
        return tiff(fields | dict(more.get("fields", {})), PIXELS)  # type: ignore[call-overload]

    most = 2**31 - 1
    return [
        _refused("0 x 0", lambda: sized(0, 0)),
        _refused("0 rows", lambda: sized(64, 0)),
        _refused("2^31-1 on both sides", lambda: sized(most, most)),
        _refused("2^32-1 on both sides", lambda: sized(2**32 - 1, 2**32 - 1)),
        _refused("one column of 2^31-1 rows", lambda: sized(1, most, fields={raw.ROWS: ("long", [1])})),
        _refused("one row of 2^31-1 columns", lambda: sized(most, 1)),
        _refused("1 x 1 in a tile of 65536", lambda: tiff(tiled_fields(1, 65_536, [8], [100]), PIXELS)),
        _refused("tiles of 0", lambda: tiff(tiled_fields(64, 0, [8], [100]), PIXELS)),
        _refused("tiles of 2^31", lambda: tiff(tiled_fields(64, 2**31, [8], [100]), PIXELS)),
        _either("tiles of 13", lambda: tiff(tiled_fields(64, 13, [8] * 25, [507] * 25), PIXELS)),
    ]


def _strips() -> list[Case]:
    def with_fields(**fields: raw.Field) -> bytes:
        return tiff(plain_fields() | {getattr(raw, name): value for name, value in fields.items()}, PIXELS)

    half = {"ROWS": ("long", [32]), "COUNTS": ("long", [6144, 6144])}
    counts = Shape(counts={raw.OFFSETS: 2**28, raw.COUNTS: 2**28})
    big_counts = Shape(big=True, counts={raw.OFFSETS: 2**62})
    return [
        _refused("strip at a negative place", lambda: with_fields(OFFSETS=("long", [2**32 - 16]))),
        _either("strips over each other", lambda: with_fields(OFFSETS=("long", [8, 8]), **half)),
        _either("strip over the header", lambda: with_fields(OFFSETS=("long", [0, 4]), **half)),
        _either("fewer strips than rows need", lambda: with_fields(ROWS=("long", [8]))),
        _either("strip longer than the file", lambda: with_fields(COUNTS=("long", [2**32 - 1]))),
        _either("strip of 5 bytes", lambda: with_fields(COUNTS=("long", [5]))),
        _refused("268 million strips announced", lambda: tiff(plain_fields(), PIXELS, counts)),
        _refused("2^62 strips announced", lambda: tiff(plain_fields(BIG), PIXELS, big_counts)),
    ]


def _bombs() -> list[Case]:
    return [
        _refused("sparse, 640 GB", lambda: _sparse(200_000, "float32", 4)),
        _refused("sparse, 190 GB, all nodata", lambda: _sparse(250_000, "uint8", 3, nodata=0)),
        _refused(
            "sparse, 400 bands apart, all nodata", lambda: _sparse(20_000, "uint8", 400, nodata=0, interleave="band")
        ),
        _either("one strip of 498 MB in 0.5 MB", lambda: _one_strip(12_880)),
        _refused("one strip of 6 GB", lambda: _one_strip(44_800, content=False)),
        _either(
            "lerc, 100 million equal pixels",
            lambda: _sparse(10_000, "uint8", 1, compress="lerc", sparse_ok=False, fill=7),
        ),
        _either("xml bomb as GDAL metadata", lambda: _with_text(42112, _laughs("GDALMetadata"))),
        _either("xml bomb as XMP", lambda: _with_text(700, _laughs("xmpmeta"))),
        _either("20 MB of ICC profile", lambda: _with_bytes(34675, b"\0" * 20_000_000)),
        _either("EXIF directory that is the picture", lambda: _with_long(34665)),
        _either("GPS directory past the end", lambda: _with_long(34853, 2**31)),
        _either(
            "text tag of 4 GB",
            lambda: tiff(plain_fields() | {270: ("ascii", b"x" * 8)}, PIXELS, Shape(counts={270: 2**32 - 1})),
        ),
        _either("nodata that is no number", lambda: _with_text(42113, b"1e999999\0")),
    ]


def _sparse(side_px: int, dtype: str, bands: int, **more: object) -> bytes:
    """Return a file without pixels, as GDAL writes it."""
    import rasterio
    from affine import Affine
    from rasterio.io import MemoryFile

    fill = more.pop("fill", None)
    profile = {"width": side_px, "height": side_px, "count": bands, "dtype": dtype, "crs": "EPSG:32633"}
    profile |= {"transform": Affine(0.05, 0, 500_000, 0, -0.05, 5_500_000), "tiled": True, "sparse_ok": True}
    profile |= {"blockxsize": 2048, "blockysize": 2048, "bigtiff": "yes", "driver": "GTiff"} | more
    with MemoryFile() as memory:
        with rasterio.open(memory, "w", **profile) as dataset:
            if fill is not None:
                for _, window in dataset.block_windows(1):
                    dataset.write(np.full((bands, window.height, window.width), fill, dtype), window=window)
        return bytes(memory.read())


def _one_strip(side_px: int, content: bool = True) -> bytes:
    packed = BytesIO()
    if content:
        squeezer = zlib.compressobj(9)
        for _ in range(side_px):
            packed.write(squeezer.compress(b"\x55" * (side_px * 3)))
        packed.write(squeezer.flush())
    body = packed.getvalue() or b"\0" * 64
    fields = plain_fields(side_px=side_px) | {raw.COMPRESSION: ("short", [8]), raw.COUNTS: ("long", [len(body)])}
    return tiff(fields, body)


def _laughs(root: str) -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{levels}]><{root}>&l11;</{root}>\0'.encode()


def _with_text(tag: int, text: bytes) -> bytes:
    return tiff(plain_fields() | {tag: ("ascii", text)}, PIXELS)


def _with_bytes(tag: int, content: bytes) -> bytes:
    return tiff(plain_fields() | {tag: ("byte", content)}, PIXELS)


def _with_long(tag: int, value: int | None = None) -> bytes:
    ifd_at = struct.unpack_from("<I", tiff(plain_fields() | {tag: ("long", [0])}, PIXELS), 4)[0]
    return tiff(plain_fields() | {tag: ("long", [ifd_at if value is None else value])}, PIXELS)


def _odd_samples() -> list[Case]:
    def sampled(**fields: raw.Field) -> bytes:
        return tiff(plain_fields() | {getattr(raw, name): value for name, value in fields.items()}, PIXELS)

    without_map = {"PHOTOMETRIC": ("short", [3]), "SAMPLES": ("short", [1]), "BITS": ("short", [8])}
    return [
        _refused("65,529 bands", lambda: sampled(SAMPLES=("short", [65_529]))),
        _refused("0 bands", lambda: sampled(SAMPLES=("short", [0]))),
        _either("0 bits", lambda: sampled(BITS=("short", [0, 0, 0]))),
        _refused("65,535 bits", lambda: sampled(BITS=("short", [65_535] * 3))),
        _either("8, 16 and 8 bits", lambda: sampled(BITS=("short", [8, 16, 8]))),
        _refused("complex of 128 bits", lambda: sampled(BITS=("short", [128] * 3), FORMAT=("short", [6] * 3))),
        _refused("complex integers", lambda: sampled(BITS=("short", [32] * 3), FORMAT=("short", [5] * 3))),
        _either("palette without colours", lambda: sampled(**without_map, FORMAT=("short", [1]))),
        _either("one bit", lambda: sampled(BITS=("short", [1] * 3))),
        _either("sample format 99", lambda: sampled(FORMAT=("short", [99] * 3))),
        _either("pixels of 4 m, too coarse", lambda: tiff(plain_fields() | geo_fields(scale_m=4.0), PIXELS)),
    ]
