"""`./run bench regularize`: our outlines against those of the `buildingregulariser` package, on the same polygons.

The package is needed in this interpreter or in the one that BENCH_REGULARISER_PYTHON names. Labelled imagery lies
beside the project; without it, the polygons are made up and only traced.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import geopandas
import numpy as np
import shapely
from rasterio.windows import Window

from benchmarks.regularize_data import GSD_M, PolygonSet, as_array, detect, read_crop, read_pictures, trace
from benchmarks.regularize_measures import measure_quality
from benchmarks.regularize_ours import run_ours
from benchmarks.report import OURS, Row, publish, read_options, row_of
from processing.detector.registry import load_detector

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PEER, RAW, LABELS = "buildingregulariser", "raw", "labels"
PEER_OPTIONS = {"num_cores": 2}
UNITS = {"iou": "share", "boundary_px": "px", "right_angles": "share", "vertices": "count", "n_ratio": "ratio"}
UNITS |= {"invalid": "share", "overlaps": "per 1000"}
TIMED, PEER_TIMED = 100_000, 20_000
QUICK_SHARE = 0.1
APART_PX = 40_000.0


def main(arguments: list[str]) -> int:
    """Run the comparison; return the exit code."""
    options = read_options("regularize", arguments)
    rows: list[Row] = []
    reason = why_no_peer()
    sets = list(polygon_sets(options.quick))
    for polygons in sets:
        print(f"{polygons.name}: {len(polygons.seen)} polygons", flush=True)
        rows += quality_rows(polygons, with_peer=reason is None)
    rows += time_rows(sets, QUICK_SHARE if options.quick else 1.0, with_peer=reason is None)
    publish("regularize", rows, options.json)
    if reason is not None:
        print(f"skipped: {PEER}: {reason}")
    return 0


def polygon_sets(quick: bool) -> Iterator[PolygonSet]:
    """Yield polygons found by the shipped weights on pictures they never saw, and polygons traced from labels."""
    if not DATA.is_dir():
        yield trace("traced, made up", made_up_buildings(300 if quick else 3000))
        return
    detector = load_detector("default", "cpu")
    few = 4 if quick else 1
    for source, gsd_m, most in (("banepa", 0.13, 24), ("eastasia", 0.5, 16)):
        pictures = read_pictures(DATA / "val" / source, gsd_m, most // few)
        yield detect(f"found, {source}", list(pictures), detector)
    window = Window(1024, 256, 1536 // few, 1536 // few)
    scenes = DATA / "scenes"
    crop = read_crop(scenes / "zanzibar.tif", scenes / "zanzibar_labels.geojson", window, 0.15)
    yield detect("found, zanzibar", [crop], detector)
    yield trace("traced, us county", county_buildings(500 if quick else 5000))
    yield trace("traced, zanzibar", shapely.transform(crop.labels, lambda xy: xy * (crop.gsd_m / GSD_M)))


def county_buildings(count: int) -> np.ndarray:
    """Return real footprints, in pixels of `GSD_M`, spread over a county."""
    frame = geopandas.read_parquet(DATA / "vectors" / "allegheny_county.parquet", columns=["geometry"])
    shapes = frame.geometry.iloc[:: max(1, len(frame) // count)].to_crs(32617).explode().to_numpy()
    shapes = shapes[shapely.is_valid(shapes)][:count]
    return shapely.transform(shapes, lambda xy: xy / GSD_M)


def made_up_buildings(count: int) -> np.ndarray:
    """Return rectangles, wings and cut corners in all directions."""
    rng = np.random.default_rng(1)
    kinds = [
        shapely.box(0, 0, 30, 20),
        shapely.Polygon([(0, 0), (40, 0), (40, 15), (18, 15), (18, 32), (0, 32)]),
        shapely.Polygon([(0, 0), (36, 0), (36, 18), (24, 30), (0, 30)]),
    ]
    turns, sizes = rng.uniform(0, 90, count), rng.uniform(0.6, 1.6, count)
    return as_array(
        [
            shapely.affinity.translate(
                shapely.affinity.rotate(shapely.affinity.scale(kinds[at % 3], sizes[at], sizes[at]), turns[at]),
                100 * (at % 50),
                100 * (at // 50),
            )
            for at in range(count)
        ]
    )


def quality_rows(polygons: PolygonSet, *, with_peer: bool) -> list[Row]:
    """Measure raw outlines, ours and the peer's."""
    subjects = {RAW: polygons.seen, OURS: run_ours(polygons.seen, polygons.scores).outlines}
    if with_peer:
        subjects[PEER] = run_peer(polygons.seen, polygons.gsd_m)[0]
    known = np.array([label is not None for label in polygons.labels])
    subjects[LABELS] = polygons.labels[known]
    rows = [row_of(RAW, polygons.name, "polygons", "count", [float(len(known))])]
    rows.append(row_of(RAW, polygons.name, "polygons with a label", "count", [float(known.sum())]))
    for subject, outlines in subjects.items():
        labels = polygons.labels[known] if subject == LABELS else polygons.labels
        for metric, value in asdict(measure_quality(outlines, labels)).items():
            rows.append(row_of(subject, polygons.name, metric, UNITS[metric], [value]))
    return rows


def time_rows(sets: list[PolygonSet], share: float, *, with_peer: bool) -> list[Row]:
    """Time polygons that the detector found, repeated side by side; seconds are for 100,000 of them."""
    found = [polygons for polygons in sets if polygons.name.startswith("found")] or sets
    seen = np.concatenate([polygons.seen for polygons in found])
    scores = np.concatenate([polygons.scores for polygons in found])
    many, ranks = repeated(seen, int(TIMED * share)), np.resize(scores, int(TIMED * share))
    ours, scale = run_ours(many, ranks), 100_000 / len(many)
    rows = [
        row_of(OURS, f"{len(many)} polygons, {step}", metric, "s/100k", [seconds * scale])
        for step, pair in (("shapes only", ours.fit_s), ("with neighbours", ours.all_s))
        for metric, seconds in zip(("time", "processor time"), pair, strict=True)
    ]
    if with_peer:
        many = repeated(seen, int(PEER_TIMED * share))
        pair = run_peer(many, GSD_M)[1]
        for metric, seconds in zip(("time", "processor time"), pair, strict=True):
            rows.append(row_of(PEER, f"{len(many)} polygons", metric, "s/100k", [seconds * 100_000 / len(many)]))
    return rows


def repeated(seen: np.ndarray, count: int) -> np.ndarray:
    """Return `count` polygons: those given, again and again, each time further north."""
    rounds = np.arange(count) // len(seen)
    shapes = np.resize(seen, count)
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    points[:, 1] += rounds[owners] * APART_PX
    return shapely.set_coordinates(shapes.copy(), points)


def peer_python() -> str:
    """Return the interpreter that has the package."""
    return os.environ.get("BENCH_REGULARISER_PYTHON", sys.executable)


def why_no_peer() -> str | None:
    """Return why the peer cannot run, or None."""
    child = subprocess.run([peer_python(), "-c", f"import {PEER}"], capture_output=True, text=True, check=False)
    return None if child.returncode == 0 else (child.stderr.strip().splitlines() or ["it does not start"])[-1]


def run_peer(seen: np.ndarray, gsd_m: float) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the peer's outlines, empty where it lost or split one, with its time and processor time in seconds.

    It works in metres, which its default tolerances are meant for.
    """
    wkb = shapely.to_wkb(shapely.transform(seen, lambda xy: xy * gsd_m))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        data, ends = np.frombuffer(b"".join(wkb), np.uint8), np.cumsum([len(item) for item in wkb])
        np.savez(source, wkb=data, ends=ends, options=json.dumps(PEER_OPTIONS))
        script = Path(__file__).with_name("regularize_peer.py")
        subprocess.run([peer_python(), str(script), str(source), str(target)], check=True)
        with np.load(target) as content:
            data, at, seconds = content["wkb"].tobytes(), content["at"], content["seconds"]
            ends = content["ends"].tolist()
    found = shapely.from_wkb([data[start:stop] for start, stop in zip([0, *ends[:-1]], ends, strict=True)])
    outlines = as_array([shapely.Polygon()] * len(seen))
    outlines[at] = shapely.transform(found, lambda xy: xy / gsd_m)
    outlines[np.bincount(at, minlength=len(seen)) != 1] = shapely.Polygon()
    return outlines, (float(seconds[0]), float(seconds[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
