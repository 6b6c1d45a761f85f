"""Unpack the one Shapefile of a ZIP: a few members, under names of our own, within limits."""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from processing.errors import ArchiveUnsafe, LayerAmbiguous, VectorFormatUnknown, VectorTooLarge, VectorUnreadable
from processing.ingest.options import IngestOptions

NEEDED = (".shp", ".shx")
TAKEN = (*NEEDED, ".dbf", ".prj", ".cpg")
ENTRIES_MAX = 10_000
RATIO_MAX = 300
"""Tables full of blanks reach 100; the highest that the method can do is 1032."""
SMALL_BYTES = 10 * 2**20
CHUNK_BYTES = 2**20


def unpack_shapefile(path: Path, folder: Path, *, name: str, options: IngestOptions) -> Path:
    """Write the parts of the archive's Shapefile into `folder` and return its .shp.

    No member's name reaches the disk. Raises `ArchiveUnsafe`, `LayerAmbiguous` (naming the Shapefiles),
    `VectorFormatUnknown` without any, `VectorTooLarge`, `VectorUnreadable`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _safe_entries(archive, name)
            parts = _parts_of(entries, _chosen(entries, name, options.layer), name)
            _check_sizes(parts, name, options.budget.unpacked_bytes_max)
            for suffix, entry in parts.items():
                _unpack(archive, entry, folder / f"layer{suffix}", name)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise VectorUnreadable(name=name, detail=f"as a ZIP: {error}") from error
    return folder / "layer.shp"


def _safe_entries(archive: zipfile.ZipFile, name: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > ENTRIES_MAX:
        raise ArchiveUnsafe(name=name, detail=f"it has {len(infos)} entries, more than {ENTRIES_MAX}")
    entries: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in infos:
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in info.filename:
            raise ArchiveUnsafe(name=name, detail=f"the entry {info.filename!r} points outside")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveUnsafe(name=name, detail=f"the entry {info.filename!r} is a link")
        if inside in entries:
            raise ArchiveUnsafe(name=name, detail=f"it has two entries {info.filename!r}")
        entries[inside] = info
    return {inside: info for inside, info in entries.items() if not _is_litter(inside, info)}


def _is_litter(inside: PurePosixPath, info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or inside.parts[0] == "__MACOSX" or inside.name.startswith(".")


def _chosen(entries: dict[PurePosixPath, zipfile.ZipInfo], name: str, layer: str | None) -> PurePosixPath:
    found = sorted(inside for inside in entries if inside.suffix.lower() == ".shp")
    if not found:
        raise VectorFormatUnknown(name=name, found="a ZIP without a Shapefile")
    wanted = found if layer is None else [inside for inside in found if layer in (inside.stem, str(inside))]
    if len(wanted) != 1:
        raise LayerAmbiguous(name=name, layers=", ".join(map(str, found)))
    return wanted[0]


def _parts_of(
    entries: dict[PurePosixPath, zipfile.ZipInfo], shapefile: PurePosixPath, name: str
) -> dict[str, zipfile.ZipInfo]:
    parts = {
        inside.suffix.lower(): info
        for inside, info in entries.items()
        if inside.parent == shapefile.parent and inside.stem == shapefile.stem and inside.suffix.lower() in TAKEN
    }
    for suffix in NEEDED:
        if suffix not in parts:
            raise VectorUnreadable(name=name, detail=f"{shapefile.stem}{suffix} is missing from the ZIP")
    return parts


def _check_sizes(parts: dict[str, zipfile.ZipInfo], name: str, limit_bytes: int) -> None:
    if sum(info.file_size for info in parts.values()) > limit_bytes:
        raise VectorTooLarge(name=name, limit=f"{limit_bytes / 1e9:.1f} GB unpacked")
    for info in parts.values():
        if info.flag_bits & 0x1:
            raise ArchiveUnsafe(name=name, detail=f"the entry {info.filename!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise VectorUnreadable(name=name, detail=f"{info.filename!r} is packed by an uncommon method")
        if info.file_size > SMALL_BYTES and info.file_size > RATIO_MAX * max(info.compress_size, 1):
            raise ArchiveUnsafe(name=name, detail=f"the entry {info.filename!r} grows more than {RATIO_MAX} times")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, name: str) -> None:
    written = 0
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            while chunk := source.read(CHUNK_BYTES):
                written += len(chunk)
                if written > entry.file_size:
                    raise ArchiveUnsafe(name=name, detail=f"the entry {entry.filename!r} is larger than it says")
                file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise VectorUnreadable(name=name, detail=f"unpacking {entry.filename!r}: {error}") from error
    if written != entry.file_size:
        raise VectorUnreadable(name=name, detail=f"unpacking {entry.filename!r}: it ends early")
