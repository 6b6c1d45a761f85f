"""Files of footprints that are too deep, too many, damaged, or that point elsewhere."""

import io
import json
import random
import sqlite3
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.processing.ingest.made_files import feature, frame, squares, write
from tests.support.hostile.case import Case, Door, Lures, Verdict, Write, plain

GROUP = "vectors"
HOUSE = squares(1)[0]
RING = [[10.0, 50.0], [10.0001, 50.0], [10.0001, 50.0001], [10.0, 50.0001], [10.0, 50.0]]


def vector_cases() -> list[Case]:
    """Return all of them."""
    return [*_json(), *_tables(), *_elsewhere(), *_honest()]


def _case(name: str, make: Callable[[], bytes], verdict: Verdict = Verdict.REFUSED) -> Case:
    return Case(GROUP, name, plain(make), Door.IMPORT, verdict)


def _either(name: str, make: Callable[[], bytes]) -> Case:
    return _case(name, make, Verdict.EITHER)


def _collection(*features: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | more).encode()


def _polygon(rings: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": rings}}


def _json() -> list[Case]:
    deep = b"[" * 10_000 + b"]" * 10_000
    house = json.dumps(feature(HOUSE)).encode()
    return [
        _case("GeoJSON 10,000 deep", lambda: b'{"type":"FeatureCollection","features":' + deep + b"}"),
        _either("GeoJSON geometry 10,000 deep", lambda: _collection(_polygon(1)).replace(b"1}", deep + b"}")),
        _either("GeoJSON properties 10,000 deep", lambda: house.replace(b"{}", b'{"a":' + deep + b"}")),
        _either("GeoJSON 1,000,000 deep", lambda: b'{"type":"Feature","geometry":' + b"[" * 1_000_000),
        _either("GeoJSON collections in collections", _nested_collections),
        _either("GeoJSON ring of a million corners", _many_corners),
        _either(
            "GeoJSON NaN and infinity",
            lambda: _collection(feature(HOUSE)).replace(b"10.0001", b"NaN", 1).replace(b"10.0001", b"Infinity"),
        ),
        _either(
            "GeoJSON numbers of 100,000 digits", lambda: _collection(feature(HOUSE)).replace(b"10.0001", b"1" * 100_000)
        ),
        _either(
            "GeoJSON keys twice",
            lambda: house.replace(b'"type": "Feature"', b'"type":"Feature","type":"FeatureCollection","features":[]'),
        ),
        _either(
            "GeoJSON 100,000 properties", lambda: _collection(feature(HOUSE, **{f"k{n}": n for n in range(100_000)}))
        ),
        _either(
            "GeoJSON columns that differ in every row",
            lambda: _collection(*(feature(HOUSE, **{f"k{n}": n}) for n in range(3000))),
        ),
        _either("GeoJSON one value of 30 MB", lambda: _collection(feature(HOUSE, a="x" * 30_000_000))),
        _either("GeoJSON wrong way round", lambda: _collection(_polygon([RING[::-1]]))),
        _either("GeoJSON bow tie", lambda: _collection(_polygon([[RING[0], RING[2], RING[1], RING[3], RING[0]]]))),
        _either("GeoJSON 50,000 holes", lambda: _collection(_polygon([RING] * 50_000))),
        _either("GeoJSON text for coordinates", lambda: _collection(_polygon([["a", "b"]]))),
        _case("GeoJSON without features", lambda: b'{"type":"FeatureCollection"}', Verdict.EITHER),
        _case("JSON of something else", lambda: b'{"a": 1}'),
        _case("GeoJSON cut off", lambda: _collection(*[feature(HOUSE)] * 50)[:-400]),
        _case("JSON bytes that are no text", lambda: b'{"type":"FeatureCollection","features":[{"type":"\xff\xfe\xc0"'),
        _either(
            "GeoJSON with a reference system of 1 MB", lambda: _collection(feature(HOUSE), crs=_named("x" * 1_000_000))
        ),
        _either("GeoJSONSeq with a line of 20 MB", lambda: house + b"\n" + b"x" * 20_000_000 + b"\n"),
        _either("GeoJSONSeq of 200,000 broken lines", lambda: house + b"\n" + b"{\n" * 200_000),
    ]


def _named(name: str) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": name}}


def _nested_collections() -> bytes:
    inside = json.dumps({"type": "Point", "coordinates": [10, 50]})
    deep = '{"type":"GeometryCollection","geometries":[' * 5000 + inside + "]}" * 5000
    return (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":' + deep + "}]}"
    ).encode()


def _many_corners() -> bytes:
    ring = [[10 + at * 1e-9, 50.0] for at in range(1_000_000)]
    return _collection(_polygon([[*ring, [10.0, 50.1], ring[0]]]))


@cache
def _table(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(frame(squares(200)), Path(folder) / f"a.{kind}").read_bytes()


def _tables() -> list[Case]:
    kinds = ("fgb", "parquet", "gpkg")
    return [
        *(_case(f"{kind} cut off", lambda kind=kind: _table(kind)[: len(_table(kind)) * 2 // 3]) for kind in kinds),
        *(
            _either(f"{kind} with noise {seed}", lambda kind=kind, seed=seed: _noisy(kind, seed))
            for kind in kinds
            for seed in (1, 2)
        ),
        _either("fgb whose first row is 2 GB", lambda: _fgb_size(2**31 - 1)),
        _either("fgb of 2^62 rows", lambda: _fgb_rows()),
        _case("parquet with a footer of 2 GB", lambda: _table("parquet")[:-8] + struct.pack("<I", 2**31 - 9) + b"PAR1"),
        _either("parquet that grows 1,000 times", _growing_parquet),
        _case("parquet whose geometry is text", lambda: _parquet(pa.table({"geometry": ["POINT(1 1)"]}))),
        _either(
            "parquet whose geometry is noise",
            lambda: _parquet(pa.table({"geometry": [random.Random(1).randbytes(99)] * 50})),
        ),
        _either("parquet whose WKB announces 2^32 points", lambda: _parquet(pa.table({"geometry": [_wide_wkb()] * 3}))),
        _either("parquet whose WKB is 5,000 deep", lambda: _parquet(pa.table({"geometry": [_deep_wkb()]}))),
        _case("parquet metadata of lists", lambda: _parquet(pa.table({"geometry": [b"x"]}), b"[[[]]]")),
    ]


def _noisy(kind: str, seed: int) -> bytes:
    whole, chance = bytearray(_table(kind)), random.Random(seed)
    for _ in range(len(whole) // 300):
        whole[chance.randrange(16, len(whole))] = chance.randrange(256)
    return bytes(whole)


def _fgb_header_end() -> int:
    return 12 + struct.unpack_from("<I", _table("fgb"), 8)[0]


def _fgb_size(size: int) -> bytes:
    whole = bytearray(_table("fgb"))
    struct.pack_into("<I", whole, 8, size)
    return bytes(whole)


def _fgb_rows() -> bytes:
    """Overwrite the number of rows, which stands in the header as an integer of eight bytes."""
    whole = bytearray(_table("fgb"))
    at = whole.index(struct.pack("<Q", 200), 12, _fgb_header_end())
    struct.pack_into("<Q", whole, at, 2**62)
    return bytes(whole)


def _parquet(table: pa.Table, geo: bytes | None = None) -> bytes:
    if geo is None:
        columns = {"geometry": {"encoding": "WKB", "geometry_types": []}}
        geo = json.dumps({"version": "1.0.0", "primary_column": "geometry", "columns": columns}).encode()
    packed = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({b"geo": geo}), packed)
    return packed.getvalue()


def _growing_parquet() -> bytes:
    shapes = pa.array([b"\0" * 1_000_000] * 400, pa.binary())
    packed = io.BytesIO()
    columns = {"geometry": {"encoding": "WKB", "geometry_types": []}}
    geo = json.dumps({"version": "1.0.0", "primary_column": "geometry", "columns": columns}).encode()
    table = pa.table({"geometry": shapes}).replace_schema_metadata({b"geo": geo})
    pq.write_table(table, packed, compression="zstd", use_dictionary=False)
    return packed.getvalue()


def _wide_wkb() -> bytes:
    return struct.pack("<BIII", 1, 3, 1, 2**32 - 1) + b"\0" * 64


def _deep_wkb() -> bytes:
    return struct.pack("<BII", 1, 7, 1) * 5000 + struct.pack("<BIdd", 1, 1, 10, 50)


def _elsewhere() -> list[Case]:
    kml = '<kml xmlns="http://www.opengis.net/kml/2.2"><NetworkLink><Link><href>{url}</href></Link></NetworkLink></kml>'
    texts: dict[str, Callable[[Lures], str]] = {
        "JSON that runs a pipeline": lambda lures: json.dumps(
            {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {lures.file}"}
        ),
        "KML with a network link": lambda lures: kml.format(url=lures.url),
        "KML with entities": lambda lures: f'<!DOCTYPE k [<!ENTITY b SYSTEM "{lures.file}">]><kml>&b;</kml>',
        "OGR VRT for an import": lambda lures: (
            f"<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>{lures.url}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
        ),
        "ESRI JSON": lambda lures: json.dumps(
            {"geometryType": "esriGeometryPolygon", "features": [], "link": lures.url}
        ),
        "TopoJSON": lambda lures: json.dumps({"type": "Topology", "objects": {}, "arcs": []}),
        "GeoJSON that asks for more elsewhere": lambda lures: json.dumps(
            {"type": "FeatureCollection", "features": [], "links": [{"rel": "next", "href": lures.url}]}
        ),
        "CSV of an import": lambda lures: f"id,wkt\n1,=HYPERLINK({lures.url})\n",
    }
    either = {"GeoJSON that asks for more elsewhere"}
    return [
        *(
            Case(GROUP, name, _text(make), Door.IMPORT, Verdict.EITHER if name in either else Verdict.REFUSED)
            for name, make in texts.items()
        ),
        Case(GROUP, "GeoPackage with a view on a file", _gpkg_with_view, Door.IMPORT, Verdict.EITHER),
        Case(GROUP, "GeoPackage with a trigger", _gpkg_with_trigger, Door.IMPORT, Verdict.EITHER),
    ]


def _text(make: Callable[[Lures], str]) -> Write:
    def write_text(path: Path, lures: Lures) -> None:
        path.write_text(make(lures))

    return write_text


REGISTERED = (
    "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('evil', 'features', 'e', 4326)",
    "INSERT INTO gpkg_geometry_columns VALUES ('evil', 'geom', 'POLYGON', 4326, 0, 0)",
)


def _gpkg(path: Path, *statements: str) -> None:
    path.write_bytes(_table("gpkg"))
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _gpkg_with_view(path: Path, lures: Lures) -> None:
    """VirtualOGR and its like are asked for by name; they load the file that they name."""
    create = f"CREATE VIRTUAL TABLE evil USING VirtualOGR(''{lures.file}'')"
    _gpkg(
        path,
        "PRAGMA writable_schema=ON",
        f"INSERT INTO sqlite_master VALUES ('table', 'evil', 'evil', 0, '{create}')",
        *REGISTERED,
    )


def _gpkg_with_trigger(path: Path, lures: Lures) -> None:
    _gpkg(
        path,
        f"CREATE VIEW evil AS SELECT load_extension('{lures.file}') AS fid, readfile('{lures.file}') AS geom",
        *REGISTERED,
    )


def _honest() -> list[Case]:
    kinds = ("geojson", "geojsonl", "fgb", "gpkg", "parquet")
    return [_case(f"honest {kind}", lambda kind=kind: _table(kind), Verdict.TAKEN) for kind in kinds]
