"""Open a raster that somebody else made: by content, with one driver, within a budget, and only when it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from processing.errors import (
    BandsNotAllowed,
    DtypeNotAllowed,
    NotARaster,
    RasterTooLarge,
    RasterUnreadable,
    SceneFileMissing,
)

Dataset = Any
"""An open rasterio dataset; rasterio ships no types."""

GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_CACHEMAX": 64_000_000,
    "GTIFF_IGNORE_READ_ERRORS": "NO",
}
"""No file beside the raster is read or written, and the block cache is 64 MB whatever the scene (in bytes: rasterio
hands the number on as it is)."""

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
KNOWN_CONTENT = (
    (b"<VRTDataset", "a GDAL virtual raster (VRT)"),
    (b"<?xml", "XML"),
    (b"<html", "HTML"),
    (b"<!DOCTYPE", "HTML or XML"),
    (b"<", "XML or HTML"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 picture"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
)
MOST_CHECKED_BLOCKS = 200_000


@dataclass(frozen=True, slots=True)
class SceneBudget:
    """What a scene may cost, judged from its header before anything is decoded."""

    max_decoded_bytes: int = 200 * 10**9
    max_block_bytes: int = 512 * 10**6
    """A block is one tile or strip, all its bands: the least that can be decoded at once."""
    max_bands: int = 512


def describe_content(head: bytes) -> str:
    """Return in words what a file that begins with `head` is."""
    if not head:
        return "empty"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, words in KNOWN_CONTENT:
        if text.startswith(signature):
            return words
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return "plain text" if printable >= 0.95 * len(head) else "of an unknown kind"


@contextmanager
def open_raster(path: Path, *, name: str, allow_vrt: bool = False) -> Iterator[Dataset]:
    """Open a GeoTIFF, or a local VRT when `allow_vrt` and the suffix says so, with the one driver its content asks for.

    Raises `NotARaster` by content and `RasterUnreadable` when the driver gives up, also later while pixels are read.
    """
    driver = _driver_of(path, name, allow_vrt)
    try:
        with rasterio.Env(**GDAL_OPTIONS), rasterio.open(path.resolve(), driver=driver) as dataset:
            yield dataset
    except (RasterioError, CPLE_BaseError, OSError) as error:
        # What GDAL only notes while it opens a file may come up later as its own kind of error.
        raise RasterUnreadable(name=name, detail=_without_path(error, path, name)) from error


def _driver_of(path: Path, name: str, allow_vrt: bool) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise SceneFileMissing(name=name, detail=(error.strerror or "unknown reason").lower()) from error
    if head[:4] in TIFF_SIGNATURES:
        return "GTiff"
    if allow_vrt and path.suffix.lower() == ".vrt" and head.lstrip().startswith(b"<VRTDataset"):
        return "VRT"
    raise NotARaster(name=name, found=describe_content(head))


def _without_path(error: Exception, path: Path, name: str) -> str:
    """Keep the driver's reason, but not where the file lies on this machine."""
    reason = str(error.__cause__ or error)
    for text in (str(path.resolve()), str(path), str(path.resolve().parent)):
        reason = reason.replace(text, name)
    return reason


def check_header(dataset: Dataset, *, name: str, budget: SceneBudget) -> None:
    """Refuse what is too large to decode or is made of samples that are no picture. Decodes nothing."""
    if dataset.count > budget.max_bands:
        raise BandsNotAllowed(name=name, detail=f"it has {dataset.count} of them; the limit is {budget.max_bands}")
    for dtype in dataset.dtypes:
        if dtype is None or not str(dtype).startswith(("int", "uint", "float")):
            raise DtypeNotAllowed(name=name, dtype=dtype)
    sample_bytes = sum(_bytes_of(dtype) for dtype in dataset.dtypes)
    _refuse_above(dataset.width * dataset.height * sample_bytes, budget.max_decoded_bytes, name)
    block_rows, block_columns = dataset.block_shapes[0]
    in_a_block = sample_bytes if dataset.profile.get("interleave") != "band" else _bytes_of(dataset.dtypes[0])
    _refuse_above(block_rows * block_columns * in_a_block, budget.max_block_bytes, name)


def _bytes_of(dtype: str) -> int:
    digits = "".join(character for character in dtype if character.isdigit())
    return int(digits) // 8


def _refuse_above(decoded_bytes: int, limit_bytes: int, name: str) -> None:
    if decoded_bytes > limit_bytes:
        raise RasterTooLarge(name=name, decoded_gb=decoded_bytes / 1e9, limit_gb=limit_bytes / 1e9)


def check_complete(dataset: Dataset, path: Path, *, name: str) -> None:
    """Refuse a TIFF whose directory points to pixels beyond the end of the file, as a cut-off upload does."""
    if dataset.driver != "GTiff":
        return
    size_bytes = path.stat().st_size
    separate = dataset.profile.get("interleave") == "band"
    bands = dataset.count if separate else 1
    for band in range(1, bands + 1):
        for column, row in _blocks_to_check(dataset, MOST_CHECKED_BLOCKS // bands):
            offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=band)
            length = dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=band)
            if offset and length and int(offset) + int(length) > size_bytes:
                raise RasterUnreadable(
                    name=name, detail=f"Pixels are announced up to byte {int(offset) + int(length)} of {size_bytes}."
                )


def _blocks_to_check(dataset: Dataset, most: int) -> Iterator[tuple[int, int]]:
    block_rows, block_columns = dataset.block_shapes[0]
    columns, rows = -(-dataset.width // block_columns), -(-dataset.height // block_rows)
    step = max(1, columns * rows // max(1, most))
    # From the end: what is missing is nearly always what was to be written last.
    for index in range(columns * rows - 1, -1, -step):
        yield index % columns, index // columns
