"""Features that are laid out straight from WKB: whichever way it is written, the file holds the same polygons."""

import struct
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely

from processing.exports import fgb_runs
from processing.exports.fgb_properties import TIME, property_columns
from processing.exports.writing import write_file

HOLED = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
SHAPES = np.array([HOLED, shapely.MultiPolygon([HOLED, shapely.box(5, 5, 6, 6)]), shapely.box(9, 9, 9.5, 9.5)], object)


@pytest.mark.parametrize("byte_order", [0, 1])
@pytest.mark.parametrize("exterior_cw", [False, True])
def test_rings_run_the_right_way_however_they_came(byte_order, exterior_cw, tmp_path):
    given = shapely.orient_polygons(SHAPES, exterior_cw=exterior_cw)
    wkb = pa.array(shapely.to_wkb(given, byte_order=byte_order), pa.binary())
    rows = pa.record_batch([pa.array([0, 1, 2]), wkb], names=["number", "geometry"]).slice(1)
    write_file(tmp_path / "a.fgb", [rows], title="t")
    back = pyogrio.read_dataframe(tmp_path / "a.fgb", VERIFY_BUFFERS="YES").set_index("number").loc[[1, 2]]
    parts, owners = shapely.get_parts(SHAPES[1:], return_index=True)
    wanted = shapely.multipolygons(parts, indices=owners)
    assert shapely.equals_exact(shapely.normalize(np.asarray(back.geometry)), shapely.normalize(wanted)).all()
    found = shapely.get_parts(np.asarray(back.geometry))
    assert shapely.is_ccw(shapely.get_exterior_ring(found)).all()
    assert not shapely.is_ccw(shapely.get_interior_ring(found[0], 0))


def test_what_goes_over_the_antimeridian_comes_in_two_parts(tmp_path):
    wkb = pa.array(shapely.to_wkb([shapely.box(179.5, 0, 180.5, 1)]), pa.binary())
    write_file(tmp_path / "a.fgb", [pa.record_batch([pa.array([1]), wkb], names=["id", "geometry"])], title="t")
    bounds = pyogrio.read_info(tmp_path / "a.fgb", force_total_bounds=True)["total_bounds"]
    assert bounds == (-180.0, 0.0, 180.0, 1.0)


def test_many_runs_give_the_file_of_one(tmp_path, monkeypatch):
    corners = np.random.default_rng(3).uniform(-60, 60, (500, 2))
    wkb = pa.array(shapely.to_wkb(shapely.box(*corners.T, *(corners + 0.01).T)), pa.binary())
    rows = pa.record_batch([pa.array(np.arange(500)), wkb], names=["id", "geometry"])
    one = write_file(tmp_path / "one.fgb", [rows], title="t")
    monkeypatch.setattr(fgb_runs, "RUN_BYTES", 5_000)
    monkeypatch.setattr(fgb_runs, "GROUP_BYTES", 3_000)
    many = write_file(tmp_path / "many.fgb", [rows.slice(at, 20) for at in range(0, 500, 20)], title="t")
    assert many == one


def test_times_are_those_of_the_calendar(tmp_path):
    days = ["0000-01-01T00:00:00.000", "1900-02-28T23:59:59.999", "1969-12-31T23:59:59.001"]
    times = np.array(days, "M8[ms]")[:, None] + np.array([0, 1, 59, 60, 366, 36_525], "m8[D]")
    column = pa.concat_arrays([pa.array(times.ravel()).cast(TIME), pa.nulls(1, TIME)])
    rows = pa.record_batch([column], names=["time"])
    size, number, *_ = property_columns(rows)[1]
    assert size.to_pylist() == [struct.pack("<I", 30)] * times.size + [bytes(4)]
    texts = [str(time) + "Z" for time in times.ravel()]
    assert number.to_pylist() == [struct.pack("<HI", 0, 24) + text.encode() for text in texts] + [None]


def test_a_worker_of_exports_loads_neither_compiler_nor_data_frames():
    command = "import sys, processing.exports.writing, webapp.exporter; print(*{'numba', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
