import threading
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.windows import Window

from processing.errors import Cancelled, RasterUnreadable
from processing.params import ExtractionParams
from processing.part_detections import PartDetections
from processing.pipeline import extract, plan_extraction
from tests.processing.bright_roofs import CARD, BrightRoofs
from tests.processing.extraction import footprints_of, in_pixels, inspect, joined, matched_iou, run
from tests.processing.made_scenes import paint, scattered_roofs, write_scene

HEIGHT, WIDTH = 1700, 2100


def varied(roofs, rng):
    """Paint roofs of different brightness, and cut a corner out of every third one."""
    picture = paint((HEIGHT, WIDTH), [])
    for number, (x0, y0, x1, y1) in enumerate(roofs):
        picture[y0:y1, x0:x1] = rng.integers(150, 250)
        if number % 3 == 0:
            picture[y0 : (y0 + y1) // 2, x0 : (x0 + x1) // 2] = 40
    return picture


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    rng = np.random.default_rng(11)
    roofs = scattered_roofs(rng, (HEIGHT, WIDTH), 260, side_px=(14, 75))
    return write_scene(tmp_path_factory.mktemp("town") / "town.tif", varied(roofs, rng))


@pytest.fixture(scope="module")
def whole(town):
    return footprints_of(town)


def assert_same(frame, other):
    assert frame.footprint_key.tolist() == other.footprint_key.tolist()
    for column in ("geometry", "raw_geometry"):
        assert shapely.equals_exact(np.asarray(frame[column]), np.asarray(other[column]), tolerance=1e-11).all()
    assert np.allclose(frame.area_m2, other.area_m2, rtol=1e-6)
    for column in ("confidence", "reg_method", "reg_iou", "reg_status"):
        assert frame[column].tolist() == other[column].tolist()


def test_the_table_is_what_the_contract_says(whole):
    expected = ["footprint_key", "geometry", "raw_geometry", "area_m2", "confidence"]
    assert list(whole.columns) == [*expected, "reg_method", "reg_iou", "reg_status"]
    assert whole.crs.to_epsg() == 4326
    assert whole.raw_geometry.crs.to_epsg() == 4326
    assert whole.footprint_key.is_unique
    assert whole.confidence.between(0.5, 1).all()
    assert set(whole.reg_method) <= {"rectangle", "rectilinear", "diagonal", "any_angle", "circle", "none"}
    assert set(whole.reg_status) <= {"accepted", "rejected"}
    assert len(whole) == 260


def test_no_two_footprints_overlap(whole):
    tree = shapely.STRtree(whole.geometry)
    for first, second in tree.query(whole.geometry, predicate="overlaps").T:
        shared = shapely.intersection(whole.geometry[first], whole.geometry[second])
        assert shared.area < 1e-9 * whole.geometry[first].area


@pytest.mark.parametrize("window_px", [256, 900, 1300, 16384])
def test_the_size_of_the_blocks_never_changes_the_result(town, whole, window_px):
    plan, results = run(town, window_px=window_px)
    assert len(results) == len(plan.parts)
    assert_same(joined(results), whole)


@pytest.mark.parametrize("pool", [1, 2])
def test_a_crop_gives_the_very_same_footprints_away_from_its_border(tmp_path, town, whole, pool):
    card = BrightRoofs() if pool == 1 else BrightRoofs(replace(CARD, gsd_working_m=0.6))
    expected = whole if pool == 1 else footprints_of(town, detector=card)
    column, row, width, height = 333, 211, 1501, 1207
    with rasterio.open(town) as dataset:
        window = Window(column, row, width, height)
        path = write_scene(
            tmp_path / "crop.tif", dataset.read(window=window), transform=dataset.window_transform(window)
        )
    crop = footprints_of(path, detector=card, window_px=1000)
    inner = shapely.box(column, row, column + width, row + height).buffer(-140)
    mine = crop[shapely.contains(inner, in_pixels(crop, town))].reset_index(drop=True)
    theirs = expected[shapely.contains(inner, in_pixels(expected, town))].reset_index(drop=True)
    assert len(mine) > 60
    assert_same(mine, theirs)


def test_a_run_that_resumes_gives_the_same_bytes_without_a_second_inference(town, whole):
    first = BrightRoofs()
    _, results = run(town, detector=first, window_px=900)
    payloads = {result.part: result.payload for result in results}
    assert len(payloads) > 3
    second = BrightRoofs()
    _, again = run(town, detector=second, window_px=900, completed=payloads)
    assert second.windows_seen == 0
    assert [result.payload for result in again] == [result.payload for result in results]
    for before, after in zip(results, again, strict=True):
        assert before.footprints.to_wkb().equals(after.footprints.to_wkb())
        assert before.windows_done == after.windows_done
    half = {part: payload for part, payload in payloads.items() if part % 2}
    third = BrightRoofs()
    _, mixed = run(town, detector=third, window_px=900, completed=half)
    assert 0 < third.windows_seen < first.windows_seen
    assert joined(mixed).to_wkb().equals(joined(results).to_wkb())
    assert_same(joined(mixed), whole)


def test_payloads_that_are_damaged_or_of_other_weights_are_computed_anew(town, whole):
    _, results = run(town, window_px=900)
    damaged = {result.part: result.payload[:-20] + b"?" * 20 for result in results} | {0: b"", 1: b"rubbish"}
    detector = BrightRoofs()
    _, again = run(town, detector=detector, window_px=900, completed=damaged)
    assert detector.windows_seen > 0
    assert_same(joined(again), whole)
    other = BrightRoofs(replace(CARD, weights_sha256="c" * 64))
    run(town, detector=other, window_px=900, completed={result.part: result.payload for result in results})
    assert other.windows_seen == detector.windows_seen


def test_payloads_are_small_and_hold_no_pickle():
    rng = np.random.default_rng(0)
    count = 500
    found = PartDetections(
        windows=np.zeros((count, 2), np.int64),
        boxes=rng.random((count, 4)).astype(np.float32),
        scores=rng.random(count).astype(np.float32),
        masks=np.full((count, 28, 28), 255, np.uint8),
    )
    payload = found.to_bytes(b"k" * 16)
    assert len(payload) < 40 * count
    back = PartDetections.from_bytes(payload, b"k" * 16)
    assert all(
        np.array_equal(getattr(found, name), getattr(back, name)) for name in ("windows", "boxes", "scores", "masks")
    )
    assert PartDetections.from_bytes(payload, b"x" * 16) is None


@pytest.mark.parametrize("batch_windows", [2, 7, 100])
def test_windows_in_batches_give_the_same_footprints_and_the_same_progress(town, whole, batch_windows):
    heard = []
    detector = BrightRoofs(batch_windows=batch_windows)
    plan = plan_extraction(inspect(town), CARD, ExtractionParams(window_px=1300))
    results = list(extract(town, plan, detector, on_window=lambda done, total: heard.append(done)))
    assert_same(joined(results), whole)
    assert sorted(set(heard)) == list(range(1, plan.windows_total + 1))


def test_cancelling_between_batches_ends_the_reading_thread(town):
    detector = BrightRoofs(batch_windows=4)
    plan = plan_extraction(inspect(town), CARD, ExtractionParams(window_px=900))
    with pytest.raises(Cancelled):
        list(extract(town, plan, detector, should_stop=lambda: detector.windows_seen >= 4))
    assert detector.windows_seen == 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_cancelling_stops_between_windows(town):
    detector = BrightRoofs()
    plan = plan_extraction(inspect(town), detector.card, ExtractionParams())
    with pytest.raises(Cancelled):
        list(extract(town, plan, detector, should_stop=lambda: detector.windows_seen >= 3))
    assert detector.windows_seen == 3


def test_progress_is_told_window_by_window(town):
    heard = []
    detector = BrightRoofs()
    plan = plan_extraction(inspect(town), detector.card, ExtractionParams(window_px=900))
    list(extract(town, plan, detector, on_window=lambda done, total: heard.append((done, total))))
    counts = [done for done, _ in heard]
    assert counts == sorted(counts)
    assert set(counts) == set(range(1, plan.windows_total + 1))
    assert {total for _, total in heard} == {plan.windows_total}


def region(path, x0, y0, x1, y1):
    """Return a rectangle of native pixels as a region in degrees."""
    with rasterio.open(path) as dataset:
        transform, crs = dataset.transform, dataset.crs
    to_deg = Transformer.from_crs(crs, 4326, always_xy=True)
    corners = [transform @ corner for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return shapely.Polygon([to_deg.transform(*corner) for corner in corners])


@pytest.mark.parametrize(
    "rect", [(700, 500, 1000, 800), (0, 0, 400, 300), (1300, 100, 2500, 1800), (860, 640, 880, 660)]
)
def test_a_region_gives_the_footprints_that_the_whole_scene_has_there(town, whole, rect):
    aoi = region(town, *rect)
    detector = BrightRoofs()
    plan, results = run(town, aoi=aoi, detector=detector)
    all_windows = plan_extraction(inspect(town), CARD, ExtractionParams()).windows_total
    assert plan.windows_total < all_windows
    inside = shapely.intersects(aoi, shapely.point_on_surface(np.asarray(whole.geometry)))
    assert_same(joined(results), whole[inside].reset_index(drop=True))


def test_a_bow_tie_gives_the_footprints_of_its_wings(town, whole):
    wings = region(town, 400, 400, 1200, 1200)
    corners = list(wings.exterior.coords)[:4]
    bow_tie = shapely.Polygon([corners[0], corners[2], corners[1], corners[3]])
    assert not bow_tie.is_valid
    frame = joined(run(town, aoi=bow_tie)[1])
    inside = shapely.intersects(shapely.make_valid(bow_tie), shapely.point_on_surface(np.asarray(whole.geometry)))
    assert 0 < len(frame) < len(whole)
    assert frame.footprint_key.tolist() == whole.footprint_key[inside].tolist()


def test_a_region_over_the_antimeridian(tmp_path):
    roofs = [(100, 100, 160, 160), (700, 100, 760, 160), (395, 300, 440, 360)]
    transform = Affine(2.8e-6, 0, 180 - 2.8e-6 * 420, 0, -2.7e-6, -17.0)
    path = write_scene(tmp_path / "fiji.tif", paint((500, 900), roofs), transform=transform, crs="EPSG:4326")
    assert len(footprints_of(path)) == 3
    for aoi in (
        shapely.MultiPolygon([shapely.box(179.9995, -18, 180, -16), shapely.box(-180, -18, -179.9995, -16)]),
        shapely.box(179.9995, -18, 180.0005, -16),
        shapely.box(-180.0005, -18, -179.9995, -16),
    ):
        frame = footprints_of(path, aoi=aoi)
        assert len(frame) == 1
        assert frame.geometry[0].geom_type == "MultiPolygon"


def test_the_planned_area_is_the_ground_area(town):
    plan = plan_extraction(inspect(town), CARD, ExtractionParams())
    assert plan.area_m2 == pytest.approx(HEIGHT * WIDTH * 0.09 / 0.9996**2, rel=1e-3)


def test_windows_without_imagery_are_not_inferred(tmp_path):
    picture = paint((1500, 3000), [(60, 60, 120, 120)])
    picture[:, 900:] = 0
    detector = BrightRoofs()
    plan, results = run(write_scene(tmp_path / "half.tif", picture, nodata=0), detector=detector)
    assert detector.windows_seen < plan.windows_total / 2
    assert results[-1].windows_done == plan.windows_total
    assert len(joined(results)) == 1


def test_pooling_finds_the_same_town_at_a_finer_resolution(tmp_path):
    rng = np.random.default_rng(5)
    roofs = scattered_roofs(rng, (500, 600), 40)
    fine = np.kron(paint((500, 600), roofs), np.ones((3, 3), np.uint8))
    transform = Affine(0.1, 0, 500_000, 0, -0.1, 5_500_000)
    path = write_scene(tmp_path / "fine.tif", fine, transform=transform)
    shapes = in_pixels(footprints_of(path), path)
    assert matched_iou(shapes, np.array(roofs) * 3).min() > 0.85


def test_a_coarse_scene_is_enlarged_without_a_shift(tmp_path):
    roofs = [(50, 40, 90, 70), (130, 140, 180, 160), (250, 60, 290, 120)]
    transform = Affine(0.9, 0, 500_000.3, 0, -0.9, 5_500_000.6)
    path = write_scene(tmp_path / "coarse.tif", paint((220, 330), roofs), transform=transform)
    shapes = in_pixels(footprints_of(path), path)
    assert matched_iou(shapes, roofs).min() > 0.9
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    truth = np.array([((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in roofs])
    assert sorted(map(tuple, np.round(centres, 0))) == sorted(map(tuple, np.round(truth, 0)))


def test_small_and_unsure_buildings_are_left_out(tmp_path):
    picture = paint((300, 300), [(20, 20, 26, 26), (100, 100, 140, 140)])
    picture[200:240, 200:240] = 135
    path = write_scene(tmp_path / "s.tif", picture)
    assert len(footprints_of(path, min_area_m2=0, min_confidence=0)) == 3
    assert len(footprints_of(path, min_area_m2=4, min_confidence=0)) == 2
    assert len(footprints_of(path, min_area_m2=4, min_confidence=0.6)) == 1


def test_pixels_that_turn_out_damaged_while_reading_end_the_run_with_a_clear_error(tmp_path):
    noise = np.random.default_rng(1).integers(60, 90, (3, 1200, 1200), np.uint8)
    path = write_scene(tmp_path / "s.tif", noise)
    info = inspect(path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 60_000] = b"\xaa" * 60_000
    path.write_bytes(content)
    with pytest.raises(RasterUnreadable):
        list(extract(path, plan_extraction(info, CARD, ExtractionParams()), BrightRoofs()))
