import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from pyproj import CRS, Geod

from processing import errors
from processing.ground_area import areas_m2
from processing.ingest.file_check import check_in_child
from processing.ingest.options import ColumnChoice, IngestBudget, IngestOptions
from processing.ingest.reading import check_file, open_footprints
from processing.ingest.report import Change, Refusal, report_from_json
from tests.processing.ingest.made_files import FORMATS, SIDE_DEG, feature, frame, sequence, squares, write

ALLEGHENY = Path(__file__).resolve().parents[4] / "shared/data/vectors/allegheny_county.parquet"


def read(path, options=None):
    """All footprints and the report."""
    with open_footprints(path, options) as reading:
        return pd.concat(list(reading.batches()), ignore_index=True), reading.report


def counts(findings):
    return {str(reason): finding.count for reason, finding in findings.items()}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_footprints(kind, tmp_path):
    table = frame()
    found, report = read(write(table, tmp_path / f"a.{kind}"), IngestOptions(budget=IngestBudget(batch_rows=4)))
    assert (report.rows_read, report.kept, report.refused, report.changed) == (6, 6, {}, {})
    assert found.source_row.tolist() == [1, 2, 3, 4, 5, 6]
    found = found.sort_values("source_id", ignore_index=True)  # FlatGeobuf has an order of its own
    assert found.source_id.tolist() == table["id"].tolist()
    assert found.source_name.tolist() == table["source"].tolist()
    assert found.confidence.tolist() == pytest.approx(table.confidence.tolist())
    assert [json.loads(text) for text in found["attributes"]] == [{"height": n + 0.5} for n in range(6)]
    assert shapely.equals_exact(shapely.normalize(found.geometry), shapely.normalize(table.geometry), 1e-9).all()
    assert found.crs == "EPSG:4326"
    geodesic = [abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) for shape in found.geometry]
    assert found.area_m2.tolist() == pytest.approx(geodesic, rel=1e-6)
    assert report.area_m2 == pytest.approx(found.area_m2.sum())
    assert report.bounds_deg == pytest.approx(tuple(table.total_bounds), abs=1e-9)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "geojsonl"])
@pytest.mark.parametrize("crs", [2272, 32617, 3857, 4267, 26917], ids=str)
def test_any_crs_ends_in_degrees(kind, crs, tmp_path):
    table = frame(squares(lon_deg=-80.0, lat_deg=40.4))
    path = write(table.to_crs(crs), tmp_path / f"a.{kind}")
    found, report = read(path)
    found = found.sort_values("source_id", ignore_index=True)
    assert report.kept == 6
    assert str(crs) in report.crs or CRS.from_epsg(crs).name in report.crs
    # The way there and back is the same transformation: what differs is the precision of the file.
    assert shapely.hausdorff_distance(found.geometry, table.geometry).max() < 1e-6
    assert found.area_m2.to_numpy() == pytest.approx(areas_m2(np.asarray(table.geometry)), rel=1e-3)


def test_a_datum_is_respected(tmp_path):
    """NAD27 and WGS 84 differ by some 20 m in longitude at Pittsburgh: the same numbers are another place."""
    path = write(frame(squares(lon_deg=-80.0, lat_deg=40.4), crs=4267), tmp_path / "a.parquet")
    found, report = read(path)
    shift_deg = found.geometry.iloc[0].bounds[0] + 80.0
    assert 1e-4 < shift_deg < 4e-4
    assert report.crs_note is None or "grid" in report.crs_note


def test_a_crs_without_a_known_datum_is_told(tmp_path):
    table = frame(squares(lon_deg=-80.0, lat_deg=40.4)).to_crs("+proj=laea +lat_0=40 +lon_0=-80 +ellps=GRS80 +units=m")
    found, report = read(write(table, tmp_path / "a.gpkg"))
    assert report.kept == 6
    assert "taken as WGS 84" in report.crs_note
    assert found.geometry.iloc[0].bounds[:2] == pytest.approx((-80.0, 40.4), abs=1e-6)


def test_axis_order_of_the_authority_plays_no_part(tmp_path):
    """EPSG:31467 and EPSG:2393 name northing first; files hold easting first."""
    table = frame(squares(lon_deg=9.0, lat_deg=50.0))
    for kind in ("parquet", "gpkg", "fgb"):
        found, _ = read(write(table.to_crs(31467), tmp_path / f"a.{kind}"))
        assert tuple(found.total_bounds[:2]) == pytest.approx((9.0, 50.0), abs=1e-5)


def test_a_file_without_crs_is_refused_unless_the_caller_names_one(tmp_path):
    table = frame(squares(lon_deg=-80.0, lat_deg=40.4)).to_crs(32617).set_crs(None, allow_override=True)
    for kind in ("parquet", "fgb", "zip"):
        path = write(table, tmp_path / f"a.{kind}")
        with pytest.raises(errors.VectorCrsMissing):
            check_file(path)
        found, report = read(path, IngestOptions(crs="EPSG:32617"))
        assert report.kept == 6
        found = found.sort_values("source_id", ignore_index=True)
        assert found.geometry.iloc[0].bounds[:2] == pytest.approx((-80.0, 40.4), abs=1e-5)
    with pytest.raises(errors.CrsUnusable):
        check_file(path, IngestOptions(crs="EPSG:999999"))


def mixed_table():
    """One row for every rule."""
    x, y, d = 10.0, 50.0, SIDE_DEG
    bow_tie = shapely.Polygon([(x, y), (x + d, y + d), (x + d, y), (x, y + d)])
    spike = shapely.Polygon([(x, y), (x + d, y), (x + d, y + d), (x + d, y + 3 * d), (x + d, y + d), (x, y + d)])
    square = shapely.box(x, y + 0.1, x + d, y + 0.1 + d)
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(square)[:-1], 2, axis=0)[::-1])
    return [
        square,
        None,
        shapely.Polygon(),
        shapely.Point(x, y),
        shapely.LineString([(x, y), (x + d, y)]),
        bow_tie,
        spike,
        turned,
        shapely.force_3d(shapely.box(x, y + 0.2, x + d, y + 0.2 + d), 12.0),
        shapely.box(x, y, x + 5e-6, y + 5e-6),
        shapely.box(500_000, 4_000_000, 500_010, 4_000_010),
        shapely.box(179.99995, -17, 180.00005, -16.9999),
        shapely.MultiPolygon(
            [shapely.box(x, y + 0.3, x + d, y + 0.3 + d), shapely.box(x + 2 * d, y, x + 3 * d, y + d)]
        ),
        shapely.MultiPolygon([shapely.box(x, y + 0.4, x + d, y + 0.4 + d)]),
        shapely.Polygon([(179.99995, 10), (-179.99995, 10), (-179.99995, 10.0001), (179.99995, 10.0001)]),
    ]


EXPECTED_REFUSED = {
    Refusal.NO_GEOMETRY: [2, 3],
    Refusal.NOT_A_POLYGON: [4, 5],
    Refusal.INVALID: [6],
    Refusal.DUPLICATE: [8],
    Refusal.SLIVER: [10],
    Refusal.OUTSIDE_CRS_AREA: [11],
}
EXPECTED_CHANGED = {
    Change.REPAIRED: [7],
    Change.Z_OR_M_DROPPED: [9],
    Change.CUT_AT_ANTIMERIDIAN: [12, 15],
    Change.KEPT_IN_SEVERAL_PARTS: [13],
}


@pytest.mark.parametrize("batch_rows", [100, 3])
@pytest.mark.parametrize("kind", ["parquet", "gpkg", "geojsonl"])
def test_every_rule_is_counted_with_its_row(kind, batch_rows, tmp_path):
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        frame(mixed_table()).to_parquet(path)
    elif kind == "gpkg":
        pyogrio.write_dataframe(frame(mixed_table()), path, driver="GPKG", geometry_type="Unknown")
    else:
        sequence(path, *(feature(shape, id=n) for n, shape in enumerate(mixed_table())))
    found, report = read(path, IngestOptions(budget=IngestBudget(batch_rows=batch_rows)))
    assert report.rows_read == report.kept + report.refused_total == 15
    for expected, findings in ((EXPECTED_REFUSED, report.refused), (EXPECTED_CHANGED, report.changed)):
        assert {reason: [e.row for e in finding.examples] for reason, finding in findings.items()} == expected
        assert all(finding.count == len(finding.examples) for finding in findings.values())
    assert found.source_row.tolist() == [1, 7, 9, 12, 13, 14, 15]
    assert shapely.is_valid(np.asarray(found.geometry)).all()
    assert not shapely.has_z(np.asarray(found.geometry)).any()
    assert found.geometry.geom_type.tolist() == ["Polygon"] * 3 + ["MultiPolygon"] * 2 + ["Polygon", "MultiPolygon"]
    bounds = shapely.bounds(np.asarray(found.geometry))
    assert bounds[:, 0].min() >= -180
    assert bounds[:, 2].max() <= 180
    # A square over the antimeridian is as large as one elsewhere: 0.0001° by 0.0001°.
    alone = areas_m2(np.array([shapely.box(0, -17, 1e-4, -16.9999)]))[0]
    assert found.area_m2[found.source_row == 12].tolist() == pytest.approx([alone], rel=1e-6)
    assert report.refused[Refusal.DUPLICATE].examples[0].detail == "the same shape as row 1"
    assert report_from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_small_repair_is_made_and_a_large_one_is_not(tmp_path):
    x, y, d = 10.0, 50.0, SIDE_DEG
    twist = [(x, y), (x + d, y), (x + d, y + d), (x - 0.02 * d, y + d), (x + 0.02 * d, y + 1.01 * d), (x, y + 1.01 * d)]
    found, report = read(write(frame([shapely.Polygon(twist)]), tmp_path / "a.parquet"))
    assert not shapely.is_valid(shapely.Polygon(twist))
    assert report.changed[Change.REPAIRED].count == 1
    assert report.changed[Change.REPAIRED].examples[0].detail.startswith("Self-intersection")
    assert found.area_m2[0] == pytest.approx(areas_m2(np.array([shapely.box(x, y, x + d, y + d)]))[0], rel=0.02)


def test_an_open_ring_is_closed_and_bytes_that_are_no_geometry_are_refused(tmp_path):
    good = shapely.to_wkb(squares(1)[0])
    ring = bytearray(good[:-16])
    ring[9:13] = (4).to_bytes(4, "little")
    table = pa.table({"geometry": pa.array([bytes(ring), b"\x01\x03nothing", good[:40], None], pa.binary())})
    pq.write_table(table, tmp_path / "a.parquet")
    found, report = read(tmp_path / "a.parquet", IngestOptions(crs="EPSG:4326"))
    assert counts(report.refused) == {"no_geometry": 1, "unreadable": 2}
    assert counts(report.changed) == {"repaired": 1}
    assert found.geometry[0].normalize() == squares(1)[0].normalize()


def test_a_footprint_with_far_too_many_corners_is_refused(tmp_path):
    round_one = shapely.Point(10, 50).buffer(1e-4, quad_segs=100)
    path = write(frame([round_one, squares(1)[0]]), tmp_path / "a.parquet")
    report = check_file(path, IngestOptions(budget=IngestBudget(corners_max=300)))
    assert counts(report.refused) == {"too_many_corners": 1}
    assert "401 corners" in report.refused[Refusal.TOO_MANY_CORNERS].examples[0].detail


def test_swapped_or_mislabelled_coordinates_are_refused(tmp_path):
    """Degrees that are said to be UTM metres, and a state's coordinates in another state's plane."""
    path = write(frame(squares(lon_deg=-80, lat_deg=40.4)).set_crs(2272, allow_override=True), tmp_path / "a.parquet")
    assert counts(check_file(path).refused) == {"outside_crs_area": 6}
    swapped = shapely.transform(squares(lon_deg=-95, lat_deg=40.4), lambda xy: xy[:, ::-1])
    report = check_file(write(frame(swapped), tmp_path / "b.parquet"))
    assert counts(report.refused) == {"outside_crs_area": 6}
    assert "(40.4, -94.9999)" in report.refused[Refusal.OUTSIDE_CRS_AREA].examples[0].detail


def test_a_confidence_out_of_range_is_kept_as_an_attribute(tmp_path):
    table = frame(confidence=[0.0, 1.0, 1.5, -0.1, None, 0.25])
    found, report = read(write(table, tmp_path / "a.parquet"))
    assert counts(report.changed) == {"confidence_not_used": 2}
    assert found.confidence.isna().tolist() == [False, False, True, True, True, False]
    assert json.loads(found["attributes"][2]) == {"confidence": 1.5, "height": 2.5}


def test_the_caller_may_choose_columns(tmp_path):
    path = write(frame(quality=[0.1] * 6), tmp_path / "a.parquet")
    found, report = read(path, IngestOptions(columns=ColumnChoice(confidence="quality", source_id="height")))
    assert set(found.confidence) == {0.1}
    assert found.source_id.tolist() == ["0.5", "1.5", "2.5", "3.5", "4.5", "5.5"]
    assert report.extra_columns == ["id", "confidence"]
    with pytest.raises(errors.ColumnMissing, match="nothere"):
        check_file(path, IngestOptions(columns=ColumnChoice(source_name="nothere")))


def test_attributes_that_are_far_too_long_are_told(tmp_path):
    found, report = read(write(frame(note=["x" * 70_000] + ["y"] * 5), tmp_path / "a.parquet"))
    assert counts(report.changed) == {"attributes_too_long": 1}
    assert found["attributes"][0] is None
    assert json.loads(found["attributes"][1])["note"] == "y"


def test_dates_and_missing_numbers_become_json(tmp_path):
    table = frame(seen=pd.to_datetime(["2026-11-23T04:05:06Z"] * 6), odd=[np.inf, np.nan, 1, 2, 3, 4])
    found, _ = read(write(table, tmp_path / "a.parquet"))
    assert json.loads(found["attributes"][0])["seen"] == "2026-11-23T04:05:06+00:00"
    assert json.loads(found["attributes"][0])["odd"] is None


def test_a_broken_line_of_a_sequence_is_one_refused_row(tmp_path):
    one, two = (feature(shape, id=n) for n, shape in enumerate(squares(2)))
    path = sequence(tmp_path / "a.geojsonl", one, '{"type": "Feature", "geom', "[1, 2]", {"type": "Point"}, "", two)
    found, report = read(path)
    assert found.source_row.tolist() == [1, 5]
    assert counts(report.refused) == {"unreadable": 3}
    separated = tmp_path / "b.geojsonl"
    separated.write_text(f"\x1e{json.dumps(one)}\n\x1e{json.dumps(two)}\n")
    assert check_file(separated).kept == 2
    with pytest.raises(errors.VectorTooLarge, match="a line"):
        check_file(path, IngestOptions(budget=IngestBudget(line_bytes_max=100)))


def test_too_many_rows_are_refused(tmp_path):
    path = write(frame(), tmp_path / "a.parquet")
    with pytest.raises(errors.VectorTooLarge, match="5 rows"):
        check_file(path, IngestOptions(budget=IngestBudget(rows_max=5)))


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_table_is_no_error(kind, tmp_path):
    path = tmp_path / f"a.{kind}"
    if kind in ("geojsonl", "geojson"):
        path = tmp_path / "a.geojson"
        path.write_text('{"type":"FeatureCollection","features":[]}')
    else:
        write(frame([]), path)
    report = check_file(path)
    assert (report.rows_read, report.kept, report.bounds_deg) == (0, 0, None)


@pytest.mark.skipif(not ALLEGHENY.exists(), reason="the shared data set is not here")
def test_a_real_county_goes_through():
    report = check_file(ALLEGHENY)
    assert report.rows_read == 547_005
    assert counts(report.refused) == {"sliver": 76, "duplicate": 1447, "invalid": 3}
    assert counts(report.changed) == {"repaired": 50, "kept_in_several_parts": 4}
    assert report.kept == 545_479
    # The area of its 545,558 different shapes is the same to a millionth: what is refused has next to none.
    assert report.area_m2 == pytest.approx(92_266_398, rel=1e-6)


def test_parquet_that_grows_is_refused_by_its_footer(tmp_path):
    path, honest = tmp_path / "bomb.parquet", frame(squares(64), note=[chr(65 + n) * 10_000 for n in range(64)])
    budget = IngestOptions(budget=IngestBudget(batch_bytes=100_000))
    assert check_file(write(honest, tmp_path / "honest.parquet"), budget).kept == 64
    table = pa.table({"geometry": pa.array([b"\0" * 100_000] * 40, pa.binary())})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    with pytest.raises(errors.VectorTooLarge, match="300 times its size"):
        check_file(path, IngestOptions(crs="EPSG:4326", budget=IngestBudget(batch_bytes=100_000)))


def test_one_geojson_feature_may_not_take_all_memory(tmp_path):
    ring = ",".join(f"[{10 + at * 1e-7:.7f},50.5]" for at in range(600_000))
    geometry = f'{{"type":"Polygon","coordinates":[[{ring},[10,50.1],[10,50]]]}}'
    path = tmp_path / "one.geojson"
    feature_text = f'{{"type":"Feature","properties":{{}},"geometry":{geometry}}}'
    path.write_text(f'{{"type":"FeatureCollection","features":[{feature_text}]}}')
    with pytest.raises(errors.VectorTooLarge, match="memory for one feature"):
        check_file(path)


def test_times_of_nanoseconds_are_read_without_data_frames(tmp_path):
    moment = pa.array([1_700_000_000_123_456_789], pa.int64())
    inside = pa.StructArray.from_arrays([moment.cast(pa.timestamp("ns"))], ["at"])
    columns = {
        "geometry": pa.array([shapely.to_wkb(squares(1)[0])], pa.binary()),
        "seen": moment.cast(pa.timestamp("ns", "UTC")),
        "inside": inside,
    }
    path = tmp_path / "times.parquet"
    pq.write_table(pa.table(columns), path)
    options = IngestOptions(crs="EPSG:4326")
    with open_footprints(path, options) as reading:
        attributes = json.loads(next(iter(reading.batches())).attributes.iloc[0])
    assert attributes == {"seen": "2023-11-14T22:13:20.123456+00:00", "inside": {"at": "2023-11-14T22:13:20.123456"}}
    assert check_in_child(path, options).kept == 1


def test_the_check_of_a_file_loads_no_data_frames(tmp_path):
    """They cost two seconds of processor time, before a byte is read."""
    path = write(frame(squares(3)), tmp_path / "a.parquet")
    request = {"path": str(path), "scratch": str(tmp_path), "options": asdict(IngestOptions())}
    asked = json.dumps({"request": request, "reads": [str(path)], "changes": [str(tmp_path)]})
    child = ["-m", "processing.confined_child", "processing.ingest.file_check"]
    command = [sys.executable, "-X", "importtime", *child]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["report"]["kept"] == 3
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "shapely" in loaded
    # A package that is asked for and refused stands in the list by its name, but nothing of what it is made of does.
    assert not [name for name in loaded if name.startswith(("pandas.", "geopandas.", "scipy.", "numba."))]
