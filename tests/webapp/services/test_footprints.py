import tracemalloc

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from auth.principals import SYSTEM
from models.bbox import Bbox
from models.footprint_writes import FootprintSource, insert_footprints
from models.job_states import JobState
from models.queries.footprint_sums import count, totals
from models.queries.footprints import FootprintFilter
from tests.support.footprints import frame_of, part_of, squares
from tests.support.jobs import submit
from webapp.errors import BboxInvalid, RequestInvalid
from webapp.services import footprints, jobs, leases, scenes
from webapp.services.footprints import FootprintQuery

FIJI = shapely.MultiPolygon([shapely.box(179.99, -17.0, 180.0, -16.99), shapely.box(-180.0, -17.0, -179.98, -16.99)])


def add(resources, principal, shapes, **options):
    """Write footprints under a job of their own; return its id."""
    job = submit(resources, principal)
    with resources.database.write(SYSTEM) as session:
        source = FootprintSource(job.id, job.scene_id, principal.user_id)
        assert insert_footprints(session, source, frame_of(shapes, **options)) == len(shapes)
    return job.id


def ids_of(frame):
    return set(frame["footprint_key"])


def test_what_is_written_is_read_back_exactly(resources, alice):
    shapes = [
        *squares(5),
        FIJI,
        shapely.box(10, 49.9, 10.01, 49.91).difference(shapely.box(10.004, 49.904, 10.006, 49.906)),
    ]
    job_id = add(resources, alice, shapes)
    frame = footprints.list_footprints(resources, alice, FootprintQuery(job_id=job_id))
    assert frame.crs.to_epsg() == 4326
    assert [shapely.to_wkb(shape) for shape in frame.geometry] == [shapely.to_wkb(shape) for shape in shapes]
    assert frame.area_m2.tolist() == pytest.approx(np.linspace(10, 100, 7))
    assert frame.reg_iou.isna().all()
    assert str(frame.created_at.dtype).startswith("datetime64")
    assert frame.created_at.dt.tz is not None


def test_the_same_key_is_written_once_in_a_job(resources, alice):
    job = submit(resources, alice)
    source = FootprintSource(job.id, job.scene_id, alice.user_id)
    with resources.database.write(SYSTEM) as session:
        assert insert_footprints(session, source, frame_of(squares(3))) == 3
        assert insert_footprints(session, source, frame_of(squares(5))) == 2
        assert insert_footprints(session, source, frame_of([])) == 0
    assert footprints.count(resources, alice, FootprintQuery(job_id=job.id)) == 5


def test_what_is_not_valid_is_mended_and_what_has_no_area_refused(resources, alice):
    bow_tie = shapely.Polygon([(10, 50), (10.001, 50.001), (10.001, 50), (10, 50.001)])
    job_id = add(resources, alice, [bow_tie])
    kept = footprints.list_footprints(resources, alice, FootprintQuery(job_id=job_id)).geometry[0]
    assert kept.is_valid
    assert kept.area == pytest.approx(0.5e-6, rel=1e-3)
    with pytest.raises(ValueError, match="area"):
        add(resources, alice, [shapely.Polygon()])


def test_everyone_sees_what_is_their_own(resources, alice, bob, administrator):
    mine, others = add(resources, alice, squares(3)), add(resources, bob, squares(2))
    for principal, number in ((alice, 3), (bob, 2), (administrator, 5)):
        assert footprints.count(resources, principal, FootprintQuery()) == number
        assert len(footprints.list_footprints(resources, principal, FootprintQuery())) == number
        assert footprints.statistics(resources, principal, FootprintQuery()).count == number
        assert sum(map(len, footprints.iter_batches(resources, principal, FootprintQuery(), 2))) == number
    assert footprints.count(resources, alice, FootprintQuery(job_id=others)) == 0
    lon, lat = squares(2)[0].centroid.coords[0]
    assert footprints.footprint_at(resources, alice, lon, lat, FootprintQuery(job_id=others)) is None
    assert footprints.footprint_at(resources, alice, lon, lat, FootprintQuery()).job_id == mine


def test_batches_hold_everything_once_in_order(resources, alice):
    job_id = add(resources, alice, squares(25))
    query = FootprintQuery(job_id=job_id, min_confidence=0.6)
    for rows in (1, 7, 25, 100):
        batches = list(footprints.iter_batches(resources, alice, query, rows))
        ids = [int(value) for batch in batches for value in batch["id"]]
        assert ids == sorted(set(ids))
        assert len(ids) == footprints.count(resources, alice, query) == 20
        assert max(map(len, batches)) <= rows
    assert list(footprints.iter_batches(resources, alice, FootprintQuery(job_id="none"))) == []


def test_the_smallest_footprint_under_a_point_is_found(resources, alice):
    outer = shapely.box(10, 49.9, 10.01, 49.91)
    inner = shapely.box(10.004, 49.904, 10.006, 49.906)
    job_id = add(resources, alice, [inner, outer.difference(inner), outer])
    query = FootprintQuery(job_id=job_id)
    assert footprints.footprint_at(resources, alice, 10.005, 49.905, query).area_m2 == 10
    assert footprints.footprint_at(resources, alice, 10.001, 49.901, query).area_m2 == 55
    assert footprints.footprint_at(resources, alice, 10.02, 49.901, query) is None
    view = footprints.footprint_at(resources, alice, 10.005, 49.905, FootprintQuery(min_confidence=0.9))
    assert (view.area_m2, view.scene_name) == (100, "made.tif")
    assert shapely.geometry.shape(view.geojson).equals(outer)


def test_sums_are_those_of_the_rows(resources, alice):
    job_id = add(resources, alice, squares(11))
    sums = footprints.statistics(resources, alice, FootprintQuery(job_id=job_id))
    assert (sums.count, sums.total_area_m2, sums.mean_area_m2) == (11, pytest.approx(605), pytest.approx(55))
    assert sums.mean_confidence == pytest.approx(0.75)
    none = footprints.statistics(resources, alice, FootprintQuery(job_id="none"))
    assert (none.count, none.total_area_m2, none.mean_area_m2, none.mean_confidence) == (0, 0.0, 0.0, None)


def test_sums_with_any_limits_are_those_of_the_rows(resources, alice, bob, administrator):
    rng = np.random.default_rng(5)
    shares = {alice: rng.random(60), bob: rng.random(40)}
    job_ids = {whose: add(resources, whose, squares(len(found)), confidence=found) for whose, found in shares.items()}
    limits = ({}, {"min_confidence": 0.3}, {"max_confidence": 0.6}, {"min_confidence": 0.2, "max_area_m2": 70.0})
    for principal, seen in ((alice, [alice]), (bob, [bob]), (administrator, [alice, bob])):
        rows = pd.concat(footprints.list_footprints(resources, one, FootprintQuery()) for one in seen)
        for limit in (*limits, {"job_id": job_ids[alice], "min_confidence": 0.5}, {"min_area_m2": 1e9}):
            passes = rows.confidence.between(
                limit.get("min_confidence", 0), limit.get("max_confidence", 1), inclusive="left"
            ) & rows.area_m2.between(limit.get("min_area_m2", 0), limit.get("max_area_m2", 1e6), inclusive="left")
            held = rows[passes & (rows.job_id == limit.get("job_id", rows.job_id))]
            query = FootprintQuery(**limit)
            sums = footprints.statistics(resources, principal, query)
            assert sums.count == footprints.count(resources, principal, query) == len(held)
            assert sums.total_area_m2 == pytest.approx(held.area_m2.sum(), rel=1e-12)
            assert sums.mean_area_m2 == pytest.approx(held.area_m2.mean() if len(held) else 0, rel=1e-12)
            assert sums.mean_confidence == (pytest.approx(held.confidence.mean(), rel=1e-12) if len(held) else None)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sums_read_the_index_that_holds_all_they_need_and_no_row(resources, alice):
    add(resources, alice, squares(50))
    for wanted in (
        FootprintFilter(alice.user_id, min_confidence=0.4),
        FootprintFilter(alice.user_id),
        FootprintFilter(),
    ):
        plan = _plan_of_sums(resources, wanted)
        assert "COVERING INDEX ix_building_footprints_owner_id_confidence_id_area_m2_job_id" in plan


def _plan_of_sums(resources, wanted):
    seen = []
    with resources.database.read(SYSTEM) as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *found: seen.append(found[2:4]))
        totals(session, wanted)
        statement, values = seen[0]
        return str(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())


@pytest.mark.parametrize(
    ("bbox", "found"),
    [
        ((179.0, -18.0, -179.0, -16.0), {"k0", "k1", "k2"}),
        ((179.985, -17.0, 180.0, -16.0), {"k0", "k1"}),
        ((-180.0, -18.0, -179.97, -16.0), {"k0", "k2"}),
        ((0.0, -18.0, 10.0, -16.0), set()),
        ((-179.0, -18.0, 179.0, -16.0), set()),
        ((-180.0, -90.0, 180.0, 90.0), {"k0", "k1", "k2"}),
        ((180.0, -18.0, -180.0, -16.0), {"k0"}),
    ],
)
def test_a_box_over_the_antimeridian_finds_both_sides(resources, alice, bbox, found):
    east_side = shapely.box(179.986, -17.0, 179.988, -16.99)
    west_side = shapely.box(-179.975, -17.0, -179.97, -16.99)
    add(resources, alice, [FIJI, east_side, west_side])
    assert ids_of(footprints.list_footprints(resources, alice, FootprintQuery(bbox_deg=bbox))) == found


def test_a_box_finds_exactly_the_envelopes_that_meet_it(resources, alice):
    """Coordinates stand on a grid of a millionth of a degree: touching is frequent, and 32 bits would get it wrong."""
    corners = np.random.default_rng(3).integers(0, 100, (300, 2))
    sizes = np.random.default_rng(4).integers(1, 15, (300, 2))
    grid = np.hstack([corners, corners + sizes])
    boxes = _degrees(grid)
    job_id = add(resources, alice, list(shapely.box(*boxes.T)))
    places = st.integers(-5, 120)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(places, places, places, places)
    def check(x0, y0, x1, y1):
        wanted = np.array([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)])
        meets = (grid[:, :2] <= wanted[2:]).all(axis=1) & (grid[:, 2:] >= wanted[:2]).all(axis=1)
        query = FootprintQuery(job_id=job_id, bbox_deg=tuple(_degrees(wanted[None])[0].tolist()))
        assert footprints.count(resources, alice, query) == meets.sum()

    check()


def _degrees(grid):
    return np.array([10, 49.9, 10, 49.9]) + np.round(grid * 1e-6, 6)


@pytest.mark.parametrize(
    "bbox", [(0, 0, 1, float("nan")), (0, 1, 1, 0), (-181, 0, 1, 1), (0, 0, 1, 91), (0, 0, float("inf"), 1)]
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_wrong_box_is_refused(resources, alice, bbox):
    with pytest.raises(BboxInvalid):
        footprints.count(resources, alice, FootprintQuery(bbox_deg=bbox))
    with pytest.raises(RequestInvalid):
        footprints.count(resources, alice, FootprintQuery(min_confidence=float("nan")))


def test_the_spatial_index_answers_box_questions(resources, backend, alice):
    job_id = add(resources, alice, squares(3000))
    with resources.database.write(SYSTEM) as session:
        session.execute(text("ANALYZE building_footprints" if backend == "postgis" else "ANALYZE"))

    explained = []

    class Explaining:
        def scalars(self, statement):
            compiled = statement.compile(resources.database.engine, compile_kwargs={"literal_binds": True})
            prefix = "EXPLAIN " if backend == "postgis" else "EXPLAIN QUERY PLAN "
            with resources.database.read(SYSTEM) as session:
                explained.append(str(session.execute(text(prefix + str(compiled).replace(":", "\\:"))).all()))
            return self

        def one(self):
            return 0

    count(Explaining(), FootprintFilter(bbox=Bbox(10.0, 49.9, 10.001, 49.901)))
    assert ("ix_building_footprints_geometry" if backend == "postgis" else "VIRTUAL TABLE INDEX") in explained[0]
    assert job_id


def test_rows_that_go_leave_the_index(resources, alice):
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    leases.save_part(resources, claim, part_of(0, 1))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    scene_id = jobs.get_job(resources, alice, claim.job_id).scene_id
    world = FootprintQuery(bbox_deg=(-180, -90, 180, 90))
    assert footprints.count(resources, alice, world) == 4
    scenes.delete_scene(resources, alice, scene_id)
    assert footprints.count(resources, alice, world) == 0
    if resources.database.is_sqlite:
        with resources.database.read(SYSTEM) as session:
            assert session.scalar(text("SELECT count(*) FROM building_footprints_rtree")) == 0


def test_memory_does_not_grow_with_the_number_of_footprints(resources, alice):
    peaks = []
    for number in (2_000, 20_000):
        job_id = add(resources, alice, squares(number))
        tracemalloc.start()
        total = sum(
            len(batch) for batch in footprints.iter_batches(resources, alice, FootprintQuery(job_id=job_id), 500)
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total == number
    assert peaks[1] < 1.5 * peaks[0]
