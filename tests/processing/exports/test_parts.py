"""The pieces of the exports, each against an independent way to the same result."""

import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from processing import errors
from processing.exports import geoparquet, spatial_order
from processing.exports.batches import PIECE_ROWS, to_batches
from processing.exports.coordinate_text import GEOJSON, WKT, polygon_texts
from processing.exports.hilbert import ORDER, hilbert_keys
from processing.exports.progress import ExportWatch
from processing.exports.shapefile import short_names
from processing.exports.value_text import csv_texts, json_texts, xml_texts
from processing.exports.writing import write_file, write_stream
from tests.processing.exports.made_footprints import HOSTILE, TWO, YARD, batches, frame

AWKWARD = [
    YARD,
    TWO,
    shapely.box(-0.5, -1e-8, 1e-8, 90),
    shapely.MultiPolygon([YARD, shapely.box(5, 5, 6, 6)]),
    shapely.Polygon([(0.1 + 0.2, 1 / 3), (100, -2 / 3), (-179.99999999, 89.99999999)]),
    shapely.MultiPolygon([shapely.box(1, 2, 3, 4)]),
]


def test_geojson_and_wkt_are_read_back_by_geos_to_the_last_decimal():
    rounded = shapely.transform(np.array(AWKWARD, object), lambda xy: np.round(xy, 8))
    texts = polygon_texts(np.array(AWKWARD, object), GEOJSON).to_pylist()
    assert [shapely.geometry.shape(json.loads(text)) for text in texts] == list(rounded)
    assert list(shapely.from_geojson(texts)) == list(rounded)
    assert list(shapely.from_wkt(polygon_texts(np.array(AWKWARD, object), WKT).to_pylist())) == list(rounded)
    assert polygon_texts(np.array([], object), WKT).to_pylist() == []


def test_json_of_every_kind_of_column():
    columns = {
        "text": pa.array([*HOSTILE, 'back\\slash "\x01', None]),
        "number": pa.array([1.0, 0.1, 1e300, -2.5, float("nan"), float("inf"), None]),
        "count": pa.array([1, -2, None], pa.int64()),
        "truth": pa.array([True, False, None]),
        "category": pa.array(["a", 'b"', None]).dictionary_encode(),
        "nothing": pa.nulls(2),
    }
    for name, column in columns.items():
        read = [json.loads(text) for text in json_texts(column).to_pylist()]
        expected = [
            None if value is None or value != value or value == np.inf else value for value in column.to_pylist()
        ]
        assert read == expected, name
    assert json_texts(pa.array([1.0, 2.0])).to_pylist() == ["1.0", "2.0"]


def test_cells_that_would_run_are_quoted_only_where_they_are_text():
    assert csv_texts(pa.array([-1.5, None])).to_pylist() == ["-1.5", ""]
    texts = csv_texts(pa.array(["=1+2", "-x", "+", "@a", "\tx", "\rx", "a=b", "", None, 'a"b', "\0=1"])).to_pylist()
    assert texts == ["'=1+2", "'-x", "'+", "'@a", "'\tx", '"\'\rx"', "a=b", "", "", '"a""b"', "'=1"]


def test_what_xml_cannot_hold_is_left_out():
    assert xml_texts(pa.array(["<a & 'b'>\x00\x1b\uffff\r", "建物 😀", None])).to_pylist() == [
        "&lt;a &amp; 'b'&gt;&#13;",
        "建物 😀",
        None,
    ]


def test_the_hilbert_curve_visits_neighbours_one_after_the_other():
    """At order 5 of the curve, all cells of one level: each key once, and each step leads to a cell beside the last."""
    side = 2**5
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    cells = np.column_stack([x.ravel(), y.ravel()])
    degrees = (cells + 0.5) / side * (360.0, 180.0) - (180.0, 90.0)
    keys = hilbert_keys(degrees) >> np.uint64(2 * (ORDER - 5))
    assert sorted(keys.tolist()) == list(range(side * side))
    along = cells[np.argsort(keys)]
    assert (np.abs(np.diff(along, axis=0)).sum(1) == 1).all()
    assert hilbert_keys(np.array([[np.nan, 0.0], [180.0, 90.0], [-200.0, 0.0]])).shape == (3,)


@pytest.mark.parametrize("run_bytes", [1, 20_000, 10**9])
def test_spatial_order_gives_every_row_once_and_in_order(run_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(spatial_order, "RUN_BYTES", run_bytes)
    monkeypatch.setattr(spatial_order, "CHUNK_ROWS", 7)
    rng = np.random.default_rng(1)
    schema = pa.schema([("n", pa.int64()), ("k", pa.uint64())])
    keys = rng.integers(0, 500, 2000).astype(np.uint64)

    def keyed():
        for first in range(0, 2000, 90):
            part = keys[first : first + 90]
            yield pa.record_batch([pa.array(np.arange(first, first + len(part))), pa.array(part)], schema=schema), part

    tables = list(spatial_order.in_spatial_order(keyed(), schema, tmp_path, 300))
    whole = pa.concat_tables(tables)
    assert sorted(whole["n"].to_pylist()) == list(range(2000))
    assert whole["k"].to_pylist() == sorted(keys.tolist())
    assert max(len(table) for table in tables) < 330
    assert list(spatial_order.in_spatial_order(iter(()), schema, tmp_path, 300)) == []


def test_row_groups_of_geoparquet_lie_apart(tmp_path, monkeypatch):
    """Rows come scattered; a group's box must cover a small part of the whole."""
    monkeypatch.setattr(geoparquet, "ROW_GROUP_ROWS", 100)
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 1, (2500, 2))
    made = frame(1, 2500).set_geometry(shapely.box(*places.T, *(places + 1e-4).T), crs=4326)
    write_file(tmp_path / "a.parquet", [made[:1000], made[1000:]], title="t")
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 25
    areas = []
    for number in range(25):
        boxes = file.read_row_group(number, columns=["bbox"])["bbox"].combine_chunks().flatten()
        west, south, east, north = (np.asarray(corner) for corner in boxes)
        areas.append((east.max() - west.min()) * (north.max() - south.min()))
    assert np.mean(areas) < 0.12
    group = file.metadata.row_group(0)
    paths = {group.column(at).path_in_schema for at in range(group.num_columns)}
    assert {"bbox.xmin", "bbox.ymax"} <= paths
    assert group.column(0).compression == "ZSTD"


def test_arrow_batches_are_taken_like_frames():
    whole = frame()
    table = pa.Table.from_pandas(whole.drop(columns=["geometry", "raw_geometry"]), preserve_index=False)
    table = table.append_column("geometry", pa.array(shapely.to_wkb(np.asarray(whole.geometry)), pa.binary()))
    ours = b"".join(write_stream("geojson", [whole], title="t"))
    assert b"".join(write_stream("geojson", [table], title="t")) == ours
    assert b"".join(write_stream("geojson", table.to_batches(7), title="t")) == ours


def test_large_batches_are_taken_in_pieces():
    pieces = list(to_batches([frame(0, 0), frame(1, PIECE_ROWS + 5)]))
    assert [len(piece.shapes) for piece in pieces] == [0, PIECE_ROWS, 5]


def test_longitudes_beyond_180_are_cut_and_rings_turn_left():
    over = shapely.Polygon([(179.9, 0), (179.9, 1), (180.1, 1), (180.1, 0)])
    made = frame(1, 1).set_geometry([over], crs=4326)
    feature = json.loads(b"".join(write_stream("geojson", [made], title="t")))["features"][0]
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.geom_type == "MultiPolygon"
    assert shape.bounds == (-180.0, 0.0, 180.0, 1.0)
    assert shape.area == pytest.approx(0.2)
    assert all(part.exterior.is_ccw for part in shape.geoms)


def test_progress_checksum_and_size_tell_what_was_written(tmp_path):
    heard = []
    for suffix in ("geojson", "gpkg", "kmz"):
        heard.clear()
        path = tmp_path / f"a.{suffix}"
        written = write_file(path, batches(), title="t", watch=ExportWatch(on_rows=heard.append))
        assert heard == [20, 21, 51]
        content = path.read_bytes()
        assert (written.rows, written.size_bytes) == (51, len(content))
        assert written.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("suffix", ["geojson", "parquet", "fgb", "zip"])
def test_an_export_that_is_stopped_leaves_nothing(suffix, tmp_path):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(errors.Cancelled):
        write_file(tmp_path / f"a.{suffix}", batches(), title="t", watch=ExportWatch(should_stop=stop))
    assert list(tmp_path.iterdir()) == []
    assert len(asked) == 3


def test_short_names_are_told_apart():
    names = short_names(["footprint_key", "fp_key", "weights_sha256", "seen_by_many_people", "seen_by_many_windows"])
    assert names == {
        "footprint_key": "fp_key",
        "fp_key": "fp_key_1",
        "weights_sha256": "weights_id",
        "seen_by_many_people": "seen_by_ma",
        "seen_by_many_windows": "seen_by__1",
    }


@pytest.mark.parametrize("count", [1, 16, 17, 257, 3000])
def test_the_index_of_flatgeobuf_finds_what_a_look_at_every_box_finds(count, tmp_path):
    rng = np.random.default_rng(count)
    places = rng.uniform((-80.5, 40.0), (-79.5, 41.0), (count, 2))
    made = frame(1, count).set_geometry(shapely.box(*places.T, *(places + 2e-4).T), crs=4326)
    path = tmp_path / "a.fgb"
    assert write_file(path, [made[:100], made[100:]], title="t").rows == count
    info = pyogrio.read_info(path, force_total_bounds=True)
    assert info["features"] == count
    assert info["total_bounds"] == pytest.approx(tuple(made.total_bounds), abs=1e-12)
    back = pyogrio.read_dataframe(path)
    assert sorted(back.footprint_key) == sorted(made.footprint_key)
    bounds = made.bounds
    for _ in range(15):
        west, south = rng.uniform((-80.5, 40.0), (-79.6, 40.9))
        meets = (
            (bounds.minx <= west + 0.1) & (bounds.maxx >= west) & (bounds.miny <= south + 0.1) & (bounds.maxy >= south)
        )
        near = pyogrio.read_dataframe(path, bbox=(west, south, west + 0.1, south + 0.1))
        assert sorted(near.footprint_key) == sorted(made.footprint_key[meets])


def test_vector_tiles_hold_every_footprint_even_a_tiny_one_in_a_crowd(tmp_path):
    """All in one tile of zoom 15, with far more bytes than GDAL would put into a tile by itself."""
    rng = np.random.default_rng(5)
    count = 6000
    places = rng.uniform((10.0001, 60.0001), (10.0080, 60.0040), (count, 2))
    made = frame(1, count).set_geometry(shapely.box(*places.T, *(places + np.array([1.4e-5, 7e-6])).T), crs=4326)
    made["remark"] = [f"{number:0200d}" for number in range(count)]
    path = tmp_path / "a.pmtiles"
    write_file(path, [made], title="t")
    info = pyogrio.read_info(path)
    assert (info["dataset_metadata"]["minzoom"], info["dataset_metadata"]["maxzoom"]) == ("14", "15")
    for zoom in (14, 15):
        back = pyogrio.read_dataframe(path, ZOOM_LEVEL=str(zoom))
        assert back.footprint_key.nunique() == count
