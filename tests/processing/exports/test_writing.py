import csv
import errno
import json
import os
import tracemalloc
import zipfile
from xml.etree import ElementTree

import geopandas
import numpy as np
import pandas
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from processing import errors
from processing.exports import shapefile, writing
from processing.exports.formats import FORMATS, key_of_suffix
from processing.exports.writing import write_file, write_stream
from tests.processing.exports.made_footprints import HOSTILE, batches, everything, frame
from tests.processing.exports.read_back import KML, read

TITLE = 'Town <b> & "quotes" ]]>'


def written(format, tmp_path, parts=None):
    path = tmp_path / f"out{FORMATS[format].suffix}"
    path.write_bytes(b"".join(write_stream(format, batches() if parts is None else parts, title=TITLE)))
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_reads_back_as_what_was_written(format, tmp_path):
    expected = everything()
    back = read(format, written(format, tmp_path))
    assert len(back) == len(expected)
    key = "fp_key" if format == "shapefile" else "footprint_key"
    back = back.assign(order=[int(text.split(":")[0]) for text in back[key]]).sort_values("order", ignore_index=True)
    assert back[key].tolist() == expected.footprint_key.tolist()
    assert back["area_m2"].astype(float).tolist() == pytest.approx(expected.area_m2.tolist())
    assert back["offset"].astype(int).tolist() == expected.offset.tolist()
    difference = shapely.area(shapely.symmetric_difference(np.asarray(back.geometry), np.asarray(expected.geometry)))
    # A tile's grid at zoom 15 is 0.3 m, or 2.7e-6°, along each side of a box.
    assert difference.max() < (5e-9 if format == "pmtiles" else 1e-11)
    assert shapely.get_num_interior_rings(shapely.get_parts(back.geometry[1])).tolist() == [1]
    assert "raw_geometry" not in back.columns


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "csv"])
def test_text_survives_unchanged_in_every_format_that_is_no_spreadsheet(format, tmp_path):
    back = read(format, written(format, tmp_path))
    texts = {text.strip() for text in back["remark"]}
    assert texts == {text.strip() for text in HOSTILE}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("parts", [[], [frame(0, 0)]], ids=["no batch", "an empty batch"])
def test_no_footprints_give_a_valid_empty_file(format, parts, tmp_path):
    path = written(format, tmp_path, parts)
    if format == "geojsonseq":
        assert path.read_bytes() == b""
    elif format == "kmz":
        with zipfile.ZipFile(path) as archive:
            assert b"Placemark" not in archive.read("doc.kml")
    elif format == "kml":
        assert ElementTree.parse(path).find(f".//{KML}Placemark") is None
    else:
        assert len(read(format, path)) == 0


def test_a_first_batch_without_a_single_text_does_not_lose_later_ones(tmp_path):
    first = frame(1, 2)
    assert first["seen_by_many_people"].isna().all()
    for format in ("gpkg", "parquet", "fgb", "csv"):
        back = read(format, written(format, tmp_path, [first, frame(3, 1)]))
        assert "person 3" in set(back["seen_by_many_people"])


def test_csv_runs_no_formula_and_keeps_numbers(tmp_path):
    with written("csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert not row["remark"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert rows[0]["remark"] == "'=1+2"
    assert rows[9]["remark"] == "plain"
    assert [row["offset"] for row in rows[:3]] == ["0", "-1", "-2"]
    centre = shapely.from_wkt(rows[5]["wkt"]).centroid
    assert (float(rows[5]["centroid_lon_deg"]), float(rows[5]["centroid_lat_deg"])) == pytest.approx(
        (centre.x, centre.y)
    )


def test_kml_is_well_formed_and_text_stays_text(tmp_path):
    root = ElementTree.parse(written("kml", tmp_path)).getroot()
    assert root.find(f"{KML}Document/{KML}name").text == TITLE
    assert len(root.findall(f".//{KML}Placemark")) == 51
    assert not root.findall(".//script")
    assert len(root.findall(f".//{KML}innerBoundaryIs")) == 1
    assert b"CDATA" not in written("kml", tmp_path).read_bytes()


def test_kml_drops_characters_that_xml_cannot_hold():
    data = b"".join(write_stream("kml", [frame(0, 1).assign(remark="a\x00b\x1bc")], title="t\x07"))
    values = [element.text for element in ElementTree.fromstring(data).findall(f".//{KML}value")]
    assert "abc" in values


def test_geojson_follows_rfc_7946(tmp_path):
    collection = json.loads(written("geojson", tmp_path).read_bytes())
    assert collection["name"] == TITLE
    assert "crs" not in collection
    for feature in collection["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert all(part.exterior.is_ccw for part in shapely.get_parts(shape))
        west, _, east, _ = shape.bounds
        assert west >= -180
        assert east <= 180
    assert collection["features"][1]["properties"]["seen_by_many_people"] is None
    assert collection["features"][0]["properties"]["created_at"].startswith("2026-11-23T04:00")


def test_a_text_sequence_has_one_record_per_line(tmp_path):
    lines = written("geojsonseq", tmp_path).read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert len(lines) == 51
    assert all(line.startswith("\x1e") and json.loads(line[1:])["type"] == "Feature" for line in lines)


def test_a_shapefile_tells_what_it_made_shorter(tmp_path):
    long = frame(0, 3).assign(remark=["x" * 300, "ü" * 200, "short"])
    path = written("shapefile", tmp_path, [long])
    with zipfile.ZipFile(path) as archive:
        assert {name.rsplit(".", 1)[1] for name in archive.namelist()} == {"shp", "shx", "dbf", "prj", "cpg", "json"}
        manifest = json.loads(archive.read("manifest.json"))
    fields = manifest["fields"]
    assert len({name.lower() for name in fields.values()}) == len(fields)
    assert all(len(name) <= 10 for name in fields.values())
    assert manifest["texts_cut_at_254_bytes"] == {"remark": 2}
    back = read("shapefile", path)
    assert back["remark"].tolist() == ["x" * 254, "ü" * 127, "short"]


def test_a_shapefile_is_to_the_last_bit_what_was_written_whatever_the_batches(tmp_path):
    made = frame(0, 6).assign(
        number=[0.1, -1e-300, 1.7976931348623157e308, float("nan"), float("inf"), 123456789.123456789],
        count=[0, -1, 2**53 + 1, -(10**16), 5, 10**17],
        small=np.array([1, -2, 3, 2**31 - 1, -(2**31), 6], np.int32),
        flag=[True, False, True, False, True, False],
        remark=["", "ü", "plain", None, "中文", "x" * 90],
    )
    hole = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    shapes = [hole, shapely.union_all([hole, shapely.box(5, 5, 6, 6)]), *made.geometry[2:5], shapely.MultiPolygon()]
    made = made.set_geometry(geopandas.GeoSeries(shapes, crs=4326))
    path = written("shapefile", tmp_path, [made.iloc[:1], made.iloc[1:4], made.iloc[4:]])
    back = read("shapefile", path)
    assert back["number"].dropna().tolist() == [0.1, -1e-300, 1.7976931348623157e308, 123456789.123456789]
    assert back["count"].tolist() == made["count"].tolist()
    assert back["small"].tolist() == made["small"].tolist()
    assert back["flag"].tolist() == [1, 0, 1, 0, 1, 0]
    assert [text if isinstance(text, str) else "" for text in back["remark"]] == [
        "",
        "ü",
        "plain",
        "",
        "中文",
        "x" * 90,
    ]
    assert back.geometry[5] is None
    for found, wanted in zip(back.geometry[:5], shapes, strict=False):
        assert shapely.equals_exact(shapely.normalize(found), shapely.normalize(wanted), 0.0)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    info = pyogrio.read_info(f"/vsizip/{path}")
    assert info["features"] == 6
    assert info["crs"] == "EPSG:4326"
    assert info["total_bounds"] == tuple(made.total_bounds)


def test_a_flatgeobuf_is_to_the_last_bit_what_was_written_whatever_the_batches(tmp_path):
    made = frame(0, 6).assign(
        number=[0.1, -1e-300, 1.7976931348623157e308, float("nan"), float("inf"), None],
        count=[0, -1, 2**53 + 1, -(2**62), 5, 10**17],
        small=np.array([1, -2, 3, 32767, -32768, 6], np.int16),
        flag=[True, False, True, False, True, False],
        remark=["", "ü", "plain", None, "中文", "x" * 90_000],
        maybe=pandas.array([1, None, 3, None, 5, 6], "Int32"),
        at=pandas.to_datetime(["2026-11-23T04:05:06.789123456Z"] * 5 + [None]),
    )
    hole = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    far = shapely.box(5, 5, 6, 6).difference(
        shapely.union_all([shapely.box(5.1, 5.1, 5.2, 5.2), shapely.box(5.5, 5.5, 5.6, 5.7)])
    )
    shapes = [hole, shapely.union_all([hole, far, shapely.box(7, 7, 8, 8)]), *made.geometry[2:6]]
    made = made.set_geometry(geopandas.GeoSeries(shapes, crs=4326))
    path = written("fgb", tmp_path, [made.iloc[:1], made.iloc[1:4], made.iloc[4:]])
    back = pyogrio.read_dataframe(path, VERIFY_BUFFERS="YES").set_index("footprint_key").loc[made["footprint_key"]]
    for name in ("number", "count", "small", "flag", "maybe"):
        assert back[name].astype(float).tolist() == pytest.approx(
            made[name].astype(float).tolist(), rel=0, abs=0, nan_ok=True
        )
    assert back["count"].tolist() == made["count"].tolist()
    texts = [text if isinstance(text, str) else None for text in back["remark"]]
    assert texts == ["", "ü", "plain", None, "中文", "x" * 90_000]
    assert back["at"].tolist()[:5] == [pandas.Timestamp("2026-11-23T04:05:06.789Z")] * 5
    assert pandas.isna(back["at"].iloc[5])
    for found, wanted in zip(back.geometry, shapes, strict=True):
        assert shapely.equals_exact(
            shapely.normalize(found), shapely.normalize(shapely.MultiPolygon(shapely.get_parts([wanted]).tolist())), 0.0
        )
    near = pyogrio.read_dataframe(path, bbox=(7.5, 7.5, 7.6, 7.6))
    assert near["footprint_key"].tolist() == [made["footprint_key"][1]]
    info = pyogrio.read_info(path)
    assert (info["features"], info["geometry_type"]) == (6, "MultiPolygon")
    assert info["total_bounds"] == tuple(made.total_bounds)


def test_a_flatgeobuf_with_an_empty_shape_is_whole_but_without_an_index(tmp_path):
    made = frame(0, 3)
    made = made.set_geometry(geopandas.GeoSeries([*made.geometry[:2], shapely.MultiPolygon()], crs=4326))
    back = read("fgb", written("fgb", tmp_path, [made])).set_index("footprint_key").loc[made["footprint_key"]]
    assert [shape is None or shape.is_empty for shape in back.geometry] == [False, False, True]


def test_a_shapefile_past_its_limit_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile, "LIMIT_BYTES", 5_000)
    with pytest.raises(errors.ExportTooLarge):
        list(write_stream("shapefile", batches(), title=TITLE, scratch=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_geoparquet_says_where_its_boxes_are(tmp_path):
    path = written("parquet", tmp_path)
    file = pq.ParquetFile(path)
    geo = json.loads(file.metadata.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    west, south, east, north = everything().total_bounds
    assert geo["columns"]["geometry"]["bbox"] == pytest.approx([west, south, east, north])
    near = geopandas.read_parquet(path, bbox=(10.0295, 49, 10.0305, 51))
    assert near.footprint_key.tolist() == ["30:-30"]


@pytest.mark.parametrize("format", ["gpkg", "fgb"])
def test_files_for_desktops_have_a_spatial_index(format, tmp_path):
    path = written(format, tmp_path)
    near = pyogrio.read_dataframe(path, bbox=(10.0295, 49, 10.0305, 51))
    assert near.footprint_key.tolist() == ["30:-30"]
    assert pyogrio.read_info(path)["capabilities"]["fast_spatial_filter"]


@pytest.mark.parametrize("format", sorted(writing.WHOLE_FILES))
def test_a_reader_that_leaves_early_leaves_nothing_behind(format, tmp_path):
    stream = write_stream(format, batches(), title=TITLE, scratch=tmp_path)
    assert next(stream)
    assert list(tmp_path.iterdir())
    stream.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_an_error_in_the_source_comes_through_as_itself(format, tmp_path):
    def broken():
        yield frame(0, 3)
        raise errors.Cancelled()

    with pytest.raises(errors.Cancelled):
        list(write_stream(format, broken(), title=TITLE, scratch=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["geojson", "geojsonseq", "csv", "kml"])
def test_streamed_formats_start_before_the_source_ends_and_hold_one_batch(format):
    asked = []

    def source(count):
        for number in range(count):
            asked.append(number)
            yield frame(number * 500, 500)

    stream = write_stream(format, source(50), title=TITLE)
    for _ in range(4):
        next(stream)
    assert len(asked) < 10
    peaks = []
    for count in (4, 20):
        tracemalloc.start()
        assert sum(map(len, write_stream(format, source(count), title=TITLE))) > 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_an_unknown_format_or_suffix_is_refused():
    with pytest.raises(errors.ParameterInvalid, match="geojson"):
        write_stream("dwg", batches(), title=TITLE)
    with pytest.raises(errors.OutputUnsupported, match=r"\.gpkg"):
        key_of_suffix("town.dwg")
    assert [key_of_suffix(f"a{known.suffix.upper()}") for known in FORMATS.values()] == list(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_appears_whole_or_not_at_all(format, tmp_path):
    path = tmp_path / f"town{FORMATS[format].suffix}"
    path.write_bytes(b"what was there before")

    def broken():
        yield frame(0, 3)
        raise errors.Cancelled()

    with pytest.raises(errors.Cancelled):
        write_file(path, broken(), title=TITLE)
    assert path.read_bytes() == b"what was there before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    write_file(path, batches(), title=TITLE)
    assert len(read(format, path)) == 51
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_is_one_clear_error_and_leaves_no_half_file(format, tmp_path, monkeypatch):
    real = os.fsync

    def full(descriptor):
        real(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(errors.OutputNotWritable, match="no space left"):
        write_file(tmp_path / f"town{FORMATS[format].suffix}", batches(), title=TITLE)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(errors.OutputNotWritable, match="does not exist"):
        write_file(tmp_path / "nowhere" / "a.geojson", batches(), title=TITLE)
    (tmp_path / "b.geojson").mkdir()
    with pytest.raises(errors.OutputNotWritable, match="folder"):
        write_file(tmp_path / "b.geojson", batches(), title=TITLE)
