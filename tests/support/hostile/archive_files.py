"""ZIP files, sent as footprints, that reach outside, grow, lie about themselves, or hold half of what is needed."""

import io
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tests.processing.ingest.made_files import frame, squares, zip_shapefile
from tests.support.hostile.case import Case, Door, Lures, Verdict, plain

GROUP = "archives"
Entry = tuple[str | zipfile.ZipInfo, bytes]
OUTSIDE = (
    "../evil.shp",
    "/etc/evil.shp",
    "a/../../evil.prj",
    "..\\evil.dbf",
    "C:\\evil.txt",
    "/dev/null",
    "\\\\host\\evil",
)


def archive_cases() -> list[Case]:
    """Return all of them."""
    made = [
        *((f"entry {at}: {name}", lambda name=name: _packed([(name, b"evil")])) for at, name in enumerate(OUTSIDE)),
        ("link to a file", lambda: _packed([_special("roofs.prj", stat.S_IFLNK, "/etc/passwd")], without=".prj")),
        ("link as another entry", lambda: _packed([_special("b", stat.S_IFLNK, "../..")])),
        ("entry twice", lambda: _packed([("town/roofs.shx", b"x")])),
        ("entry twice in other letters", lambda: _packed([("town/ROOFS.SHP", b"x")])),
        ("encrypted", lambda: _flagged(_shapefile(), 0x1)),
        ("unknown method", lambda: _method(_shapefile(), 99)),
        ("bzip2", lambda: _packed([], compression=zipfile.ZIP_BZIP2)),
        ("lzma", lambda: _packed([], compression=zipfile.ZIP_LZMA)),
        ("shapefile that grows 1,000 times", lambda: _parts_of({".shp": b"\0" * 60_000_000, ".shx": b"\0" * 100})),
        ("attributes that grow 1,000 times", lambda: _packed([("town/roofs.dbf", b"\0" * 60_000_000)], without=".dbf")),
        ("sizes of 10 bytes", lambda: _sized(_shapefile(), 10)),
        ("sizes of 4 GB", lambda: _sized(_shapefile(), 2**32 - 2)),
        ("20,000 entries", lambda: _packed([(f"n{at}", b"") for at in range(20_000)])),
        ("directory past the end", lambda: _end(_shapefile(), at=2**31)),
        ("directory inside the pixels", lambda: _end(_shapefile(), at=40)),
        ("no end of the directory", lambda: _shapefile()[:-30]),
        ("half", lambda: _shapefile()[: len(_shapefile()) // 2]),
        ("entries over each other", _overlapping),
        ("zip in a zip", lambda: _plain_zip([("inner.zip", _shapefile())])),
        ("zip64 with nothing behind", lambda: _end(_shapefile(), count=0xFFFF, at=0xFFFFFFFF)),
        ("checksum that is wrong", lambda: _wrong_sum(_shapefile())),
        ("two shapefiles", lambda: _packed([("b/sheds.shp", b"x"), ("b/sheds.shx", b"x")])),
        ("a file geodatabase", lambda: _plain_zip([("a.gdb/a00000001.gdbtable", b"\x03\0\0\0" + b"\0" * 60)])),
    ]
    parts = [
        (f"without {suffix}", lambda suffix=suffix: _packed([], without=suffix)) for suffix in (".shp", ".shx", ".prj")
    ]
    return [
        *(_case(name, make) for name, make in [*made, *parts]),
        *(_case(name, make, Verdict.EITHER) for name, make in _readable()),
        Case(GROUP, "prj that names a file", _prj_of_lure, Door.IMPORT),
        Case(GROUP, "honest shapefile", plain(_shapefile), Door.IMPORT, Verdict.TAKEN),
    ]


def _readable() -> list[tuple[str, Callable[[], bytes]]]:
    return [
        ("65,535 entries announced", lambda: _end(_shapefile(), count=65_535)),
        ("without attributes", lambda: _packed([], without=".dbf")),
        ("junk before the archive", lambda: b"PK\x03\x04" + b"\0" * 30 + _shapefile()),
        ("encoding that nobody knows", lambda: _packed([("town/roofs.cpg", b"KLINGON-8")], without=".cpg")),
        ("encoding that is wrong", lambda: _packed([("town/roofs.cpg", b"UTF-16")], without=".cpg")),
        ("entry with a name of the other way", lambda: _packed([("town/\u202efoor.txt", b"x")])),
        ("entry with a name of 60,000 letters", lambda: _packed([("n" * 60_000, b"x")])),
        ("comment of 65,535 bytes", lambda: _commented()),
        ("device as another entry", lambda: _packed([_special("dev", stat.S_IFCHR, "")])),
        ("shp whose lengths lie", lambda: _shp_lengths()),
        ("shx that points past the end", lambda: _shx_offsets()),
        ("dbf of a million columns", lambda: _dbf_header()),
    ]


def _case(name: str, make: Callable[[], bytes], verdict: Verdict = Verdict.REFUSED) -> Case:
    return Case(GROUP, name, plain(make), Door.IMPORT, verdict, sent_as=name.replace("/", "_").encode() + b".zip")


@cache
def _shapefile() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        zip_shapefile(frame(squares(200)), path)
        return path.read_bytes()


def _members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_shapefile())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _plain_zip(entries: Iterable[Entry], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


def _packed(more: list[Entry], without: str = "", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return the honest Shapefile with other entries, or without a part."""
    import warnings

    kept = [(name, content) for name, content in _members().items() if not without or not name.endswith(without)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names twice are what it is about
        return _plain_zip([*kept, *more], compression)


def _parts_of(parts: dict[str, bytes]) -> bytes:
    return _plain_zip([(f"a{suffix}", content) for suffix, content in parts.items()])


def _special(name: str, kind: int, target: str) -> Entry:
    info = zipfile.ZipInfo(f"town/{name}")
    info.external_attr = (kind | 0o777) << 16
    return info, target.encode()


def _everywhere(content: bytes, local: int, central: int, value: bytes) -> bytes:
    """Overwrite one field of all headers."""
    whole = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = -1
        while (at := whole.find(signature, at + 1)) >= 0:
            whole[at + offset : at + offset + len(value)] = value
    return bytes(whole)


def _sized(content: bytes, size: int) -> bytes:
    return _everywhere(content, 22, 24, struct.pack("<I", size))


def _flagged(content: bytes, flags: int) -> bytes:
    return _everywhere(content, 6, 8, struct.pack("<H", flags))


def _method(content: bytes, method: int) -> bytes:
    return _everywhere(content, 8, 10, struct.pack("<H", method))


def _wrong_sum(content: bytes) -> bytes:
    return _everywhere(content, 14, 16, b"\1\2\3\4")


def _end(content: bytes, count: int | None = None, at: int | None = None) -> bytes:
    whole = bytearray(content)
    begin = whole.rindex(b"PK\x05\x06")
    if count is not None:
        struct.pack_into("<HH", whole, begin + 8, count, count)
    if at is not None:
        struct.pack_into("<I", whole, begin + 16, at)
    return bytes(whole)


def _overlapping() -> bytes:
    """Every entry of the directory points to the same bytes."""
    whole = bytearray(_shapefile())
    at = -1
    while (at := whole.find(b"PK\x01\x02", at + 1)) >= 0:
        struct.pack_into("<I", whole, at + 42, 0)
    return bytes(whole)


def _commented() -> bytes:
    whole = bytearray(_shapefile())
    struct.pack_into("<H", whole, whole.rindex(b"PK\x05\x06") + 20, 65_535)
    return bytes(whole) + b"PK\x05\x06" * 16_383 + b"xxx"


def _changed(suffix: str, change: Callable[[bytearray], None]) -> bytes:
    members = _members()
    name = next(name for name in members if name.endswith(suffix))
    part = bytearray(members[name])
    change(part)
    return _plain_zip((members | {name: bytes(part)}).items())


def _shp_lengths() -> bytes:
    return _changed(".shp", lambda part: struct.pack_into(">I", part, 104, 2**31 - 1))


def _shx_offsets() -> bytes:
    return _changed(".shx", lambda part: struct.pack_into(">II", part, 100, 2**30, 2**30))


def _dbf_header() -> bytes:
    return _changed(".dbf", lambda part: struct.pack_into("<IHH", part, 4, 2**31, 65_535, 65_535))


def _prj_of_lure(path: Path, lures: Lures) -> None:
    words = f'PROJCS["a",EXTENSION["PROJ4","+proj=longlat +nadgrids={lures.file}"]] +init={lures.file}:1 {lures.url}'
    path.write_bytes(_packed([("town/roofs.prj", words.encode())], without=".prj"))
