"""Files that are no TIFF and are sent as one: pictures of other kinds, and what GDAL would follow elsewhere."""

import gzip
import io
import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.support.hostile.case import Case, Lures, Verdict, Write, plain

PICTURES, DISGUISED = "pictures", "disguised"
SCENE_VRT = """<VRTDataset rasterXSize="300" rasterYSize="300"><SRS>EPSG:32633</SRS>
<GeoTransform>500000,0.3,0,5500000,0,-0.3</GeoTransform>{band}</VRTDataset>"""
BAND = '<VRTRasterBand dataType="Byte" band="1"{kind}>{inside}</VRTRasterBand>'


def disguised_cases() -> list[Case]:
    """Return all of them."""
    return [*_pictures(), *_others()]


def _picture(kind: str, side_px: int = 64, **options: object) -> bytes:
    packed = io.BytesIO()
    Image.effect_noise((side_px, side_px), 60).convert("RGB").save(packed, kind, **options)  # type: ignore[arg-type]
    return packed.getvalue()


def _pictures() -> list[Case]:
    kinds = ("PNG", "JPEG", "JPEG2000", "WEBP", "GIF", "BMP")
    return [
        *(_case(PICTURES, f"whole {kind}", lambda kind=kind: _picture(kind)) for kind in kinds),
        *(_case(PICTURES, f"half of a {kind}", lambda kind=kind: _half(_picture(kind))) for kind in kinds[:4]),
        _case(PICTURES, "PNG of 2^31-1 pixels a side", lambda: _png(2**31 - 1, b"")),
        _case(PICTURES, "PNG of 30,000 pixels a side in 3 MB", lambda: _png(30_000, zlib.compress(b"\0" * 3_000_000))),
        _case(
            PICTURES,
            "PNG with a text that grows",
            lambda: _png(1, b"", (b"zTXt", b"a\0\0" + zlib.compress(b"x" * 9**8))),
        ),
        _case(PICTURES, "JPEG of 65,535 pixels a side", lambda: _large_jpeg()),
        _case(PICTURES, "JPEG with 600 EXIF parts", lambda: _exif_jpeg()),
        _case(
            PICTURES, "JP2 whose box never ends", lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x01jp2h" + b"\xff" * 64
        ),
        _case(PICTURES, "JP2 code stream alone", lambda: b"\xff\x4f\xff\x51" + b"\xff" * 200),
        _case(PICTURES, "WEBP of 4 GB", lambda: b"RIFF\xff\xff\xff\xffWEBPVP8L" + b"\xff" * 64),
        _case(PICTURES, "HEIC", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64),
        _case(PICTURES, "PNG behind a TIFF signature", lambda: b"II*\0" + _picture("PNG")),
    ]


def _case(group: str, name: str, make: Callable[[], bytes]) -> Case:
    return Case(group, name, plain(make))


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _png(side_px: int, pixels: bytes, *more: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), *more, (b"IDAT", pixels), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _large_jpeg() -> bytes:
    whole = bytearray(_picture("JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = b"\xff" * 4
    return bytes(whole)


def _exif_jpeg() -> bytes:
    whole = _picture("JPEG")
    return whole[:2] + (b"\xff\xe1\xff\xff" + b"Exif\0\0" + b"\0" * 65_527) * 600 + whole[2:]


def _others() -> list[Case]:
    vrts: dict[str, Callable[[Lures], str]] = {
        "VRT of a file": lambda lures: _vrt(_source(str(lures.file))),
        "VRT of an address": lambda lures: _vrt(_source(f"/vsicurl/{lures.url}/a.tif")),
        "VRT that reads raw bytes": lambda lures: _vrt(_raw(str(lures.file)), ' subClass="VRTRawRasterBand"'),
        "VRT with a pixel function": lambda lures: _vrt(_python(lures.file), ' subClass="VRTDerivedRasterBand"'),
        "VRT with a file of headers": lambda lures: _vrt(
            _source(f"/vsicurl?header_file={lures.file}&amp;url={lures.url}")
        ),
        "VRT of a warp": lambda lures: (
            f'<VRTDataset subClass="VRTWarpedDataset"><SourceDataset>{lures.file}</SourceDataset></VRTDataset>'
        ),
        "WMS": lambda lures: (
            f'<GDAL_WMS><Service name="TMS"><ServerUrl>{lures.url}/${{z}}</ServerUrl></Service></GDAL_WMS>'
        ),
        "WCS": lambda lures: (
            f"<WCS_GDAL><ServiceURL>{lures.url}?</ServiceURL><CoverageName>a</CoverageName></WCS_GDAL>"
        ),
        "WMTS": lambda lures: f"<GDAL_WMTS><GetCapabilitiesUrl>{lures.url}</GetCapabilitiesUrl></GDAL_WMTS>",
        "OGR VRT": lambda lures: (
            f"<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>{lures.file}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
        ),
        "GDAL pipeline": lambda lures: (
            f'{{"type":"gdal_streamed_alg","command_line":"gdal raster pipeline ! read {lures.file} ! write"}}'
        ),
        "tile index": lambda lures: (
            f"<GDALTileIndexDataset><IndexDataset>{lures.file}</IndexDataset></GDALTileIndexDataset>"
        ),
        "HTML": lambda lures: f"<html><script src='{lures.url}'></script></html>",
        "SVG": lambda lures: f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{lures.url}"/></svg>',
        "XML with an outer entity": lambda lures: (
            f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "{lures.file}">]><a>&b;</a>'
        ),
        "CSV": lambda lures: f"id,wkt\n1,{lures.file}\n",
        "an address": lambda lures: f"/vsicurl/{lures.url}/a.tif",
    }
    return [
        *(Case(DISGUISED, name, _text(make)) for name, make in vrts.items()),
        _case(DISGUISED, "PDF", lambda: b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"),
        _case(DISGUISED, "program", lambda: b"\x7fELF\x02\x01\x01" + b"\0" * 200),
        _case(DISGUISED, "ZIP", lambda: b"PK\x03\x04" + b"\0" * 200),
        _case(DISGUISED, "gzip", lambda: gzip.compress(b"\0" * 100_000)),
        Case(DISGUISED, "SQLite with a virtual table", _database),
        _case(DISGUISED, "one byte", lambda: b"I"),
        _case(DISGUISED, "nothing", lambda: b""),
        Case(DISGUISED, "1 GB of zeros", _zeros),
        Case(DISGUISED, "GDAL metadata that name a file", _with_sidecar_tag, verdict=Verdict.EITHER),
    ]


def _text(make: Callable[[Lures], str]) -> Write:
    def write(path: Path, lures: Lures) -> None:
        path.write_text(make(lures))

    return write


def _vrt(inside: str, kind: str = "") -> str:
    return SCENE_VRT.format(band=BAND.format(kind=kind, inside=inside))


def _source(place: str) -> str:
    name = f"<SourceFilename relativeToVRT='0'>{place}</SourceFilename>"
    return f"<SimpleSource>{name}<SourceBand>1</SourceBand></SimpleSource>"


def _raw(place: str) -> str:
    return f"<SourceFilename relativeToVRT='0'>{place}</SourceFilename><ImageOffset>0</ImageOffset>"


def _python(lure: Path) -> str:
    code = f"def f(*a, **b):\n  open({str(lure)!r}).read()\n"
    head = "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    return f"{head}<PixelFunctionCode><![CDATA[{code}]]></PixelFunctionCode>{_source(str(lure))}"


def _database(path: Path, lures: Lures) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "a.gpkg"
        with sqlite3.connect(made) as connection:
            connection.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT)")
            connection.execute("CREATE VIRTUAL TABLE found USING fts5(body)")
        connection.close()
        path.write_bytes(made.read_bytes())


def _zeros(path: Path, lures: Lures) -> None:
    with path.open("wb") as file:
        file.truncate(10**9)


def _with_sidecar_tag(path: Path, lures: Lures) -> None:
    from tests.support.hostile.raw_tiff import plain_fields, plain_pixels, tiff

    items = f'<Item name="OVERVIEW_FILE" domain="OVERVIEWS">{lures.file}</Item><Item name="a">{lures.url}</Item>'
    path.write_bytes(
        tiff(plain_fields() | {42112: ("ascii", f"<GDALMetadata>{items}</GDALMetadata>\0".encode())}, plain_pixels())
    )
