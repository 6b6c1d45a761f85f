"""The main job: from a scene to footprints, part by part, resumable, in bounded memory."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.aoi import read_aoi, region_in_scene
from processing.detector.protocol import Detector, DetectorCard, RawDetections
from processing.errors import Cancelled
from processing.footprint_frame import to_frame
from processing.georeference import Georeference, georeference_of
from processing.merging import Merger
from processing.params import ExtractionParams
from processing.part_detections import KEY_BYTES, PartDetections
from processing.read_ahead import read_ahead
from processing.rects import Rect
from processing.scene import SceneInfo
from processing.scene_geometry import WGS84
from processing.scene_pixels import open_scene
from processing.views import views_of
from processing.windows import Part, WorkingGrid, parts_of, working_grid

ShouldStop = Callable[[], bool]
OnWindow = Callable[[int, int], None]


@dataclass(frozen=True)
class ExtractionPlan:
    """What there is to do for one scene: the same plan comes out of the same scene, weights and parameters."""

    info: SceneInfo
    params: ExtractionParams
    grid: WorkingGrid
    georeference: Georeference
    parts: tuple[Part, ...]
    aoi: BaseGeometry | None
    """Region in degrees, longitudes unwrapped around the scene's centre; None for the whole scene."""
    area_m2: float
    """Ground area of the scene, or of its share of the region."""

    @cached_property
    def windows_total(self) -> int:
        """Number of windows in all parts."""
        return sum(len(part.windows) for part in self.parts)


@dataclass(frozen=True)
class PartResult:
    """One part is done."""

    part: int
    payload: bytes
    """The part's raw detections; give them back in `completed` to spare the inference next time."""
    windows_done: int
    windows_total: int
    footprints: GeoDataFrame
    """Those that can no longer change: footprint_key, geometry and raw_geometry (EPSG:4326), area_m2, confidence,
    reg_method, reg_iou, reg_status."""


def plan_extraction(
    info: SceneInfo,
    card: DetectorCard,
    params: ExtractionParams,
    aoi: BaseGeometry | Mapping[str, Any] | None = None,
) -> ExtractionPlan:
    """Lay out the windows of a scene, or of those around a region.

    `aoi` is a geometry or GeoJSON in EPSG:4326. Raises `PixelSizeTooLarge`, `PixelSizeTooSmall`, `AoiInvalid`,
    `AoiOutsideScene`.
    """
    grid = working_grid(info, card, params)
    georeference = georeference_of(info, grid)
    wanted = None if aoi is None else read_aoi(aoi)
    region = region_in_scene(info, wanted, georeference.lon_0_deg)
    windows = grid.scene_windows()
    if wanted is not None:
        windows = windows[_near(region, windows, grid, georeference)]
    area_m2 = sum(abs(WGS84.geometry_area_perimeter(polygon)[0]) for polygon in shapely.get_parts(region))
    parts = parts_of(windows, grid, params.window_px)
    return ExtractionPlan(info, params, grid, georeference, parts, region if wanted is not None else None, area_m2)


def _near(
    region: BaseGeometry, windows: NDArray[np.int64], grid: WorkingGrid, georeference: Georeference
) -> NDArray[np.bool_]:
    """Tell which windows come within one overlap of the region: they see its buildings and their neighbours."""
    low = windows * grid.stride_px - grid.overlap_px
    high = low + grid.window_px + 2 * grid.overlap_px
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    shapely.prepare(region)
    near: NDArray[np.bool_] = shapely.intersects(region, georeference.to_unwrapped_degrees(boxes))
    return near


def extract(
    path: Path,
    plan: ExtractionPlan,
    detector: Detector,
    *,
    completed: Mapping[int, bytes] | None = None,
    should_stop: ShouldStop | None = None,
    on_window: OnWindow | None = None,
) -> Iterator[PartResult]:
    """Run a plan and yield one result for each part, in order.

    `completed` holds the payloads of parts that an earlier run finished; they are not inferred again, and the
    footprints come out the same. A payload that is damaged or comes from other weights is computed anew.
    While the detector works on one part, the next one is read; two parts' pictures are in memory, never more.
    `should_stop` is asked between batches of windows; when true `Cancelled` is raised. `on_window(done, total)` hears
    of progress.
    """
    run = _Run(plan, detector, should_stop or (lambda: False), on_window or (lambda done, total: None))
    regularization = plan.params.regularization if plan.params.regularize else None
    merger = Merger(plan.grid, [part.windows for part in plan.parts], regularization)
    windows_done = 0
    with closing(read_ahead(run.load(path, completed or {}))) as loaded:
        for part, have in loaded:
            found, payload = run.infer(part, have, windows_done) if isinstance(have, np.ndarray) else have
            finished = merger.add(_pairs(part), views_of(found, plan.grid))
            windows_done += len(part.windows)
            run.on_window(windows_done, plan.windows_total)
            frame = to_frame(finished, plan.georeference, plan.aoi, plan.params.min_area_m2)
            yield PartResult(part.index, payload, windows_done, plan.windows_total, frame)


_Have = tuple[PartDetections, bytes] | NDArray[np.uint8]


@dataclass(frozen=True)
class _Run:
    plan: ExtractionPlan
    detector: Detector
    should_stop: ShouldStop
    on_window: OnWindow

    def load(self, path: Path, payloads: Mapping[int, bytes]) -> Generator[tuple[Part, _Have]]:
        """Give each part with its detections where an earlier run has them, else with its picture (H, W, 3) uint8."""
        with open_scene(path, self.plan.info) as scene:
            for part in self.plan.parts:
                restored = self._restore(part, payloads.get(part.index))
                yield part, restored or scene.read_working(self.plan.grid, _covering(part, self.plan.grid))

    def _restore(self, part: Part, payload: bytes | None) -> tuple[PartDetections, bytes] | None:
        found = PartDetections.from_bytes(payload, self._key(part)) if payload else None
        return (found, payload) if found and payload else None

    def infer(self, part: Part, picture: NDArray[np.uint8], windows_before: int) -> tuple[PartDetections, bytes]:
        """Run the detector over the windows of a part that hold imagery, as many at once as it likes."""
        self._stop_if_asked()
        pixels = _cut(part, picture, self.plan.grid)
        filled = [window for window, window_pixels in pixels.items() if window_pixels.any()]
        done = self._count(windows_before, len(pixels) - len(filled))
        found: list[tuple[tuple[int, int], RawDetections]] = []
        for windows in batched(filled, self.detector.batch_windows):
            self._stop_if_asked()
            raw = self.detector.detect(np.stack([pixels[window] for window in windows]))
            found += zip(windows, raw, strict=True)
            done = self._count(done, len(windows))
        # Going on with what was packed makes a resumed run the same run.
        detections = PartDetections.gather(found, self.plan.params.min_confidence)
        return detections, detections.to_bytes(self._key(part))

    def _count(self, done: int, more: int) -> int:
        for count in range(done + 1, done + more + 1):
            self.on_window(count, self.plan.windows_total)
        return done + more

    def _stop_if_asked(self) -> None:
        if self.should_stop():
            raise Cancelled()

    def _key(self, part: Part) -> bytes:
        """Name all that the detections of a part depend on, besides the pixels."""
        params, card = self.plan.params, self.detector.card
        axes = [(axis.pool, axis.up, axis.origin_px) for axis in (self.plan.grid.x, self.plan.grid.y)]
        facts = [card.weights_sha256, params.min_confidence, axes, part.windows.tolist(), self.plan.info.stretch]
        return hashlib.sha256(json.dumps(facts).encode()).digest()[:KEY_BYTES]


def _pairs(part: Part) -> list[tuple[int, int]]:
    return [(int(column), int(row)) for column, row in part.windows]


def _cut(part: Part, picture: NDArray[np.uint8], grid: WorkingGrid) -> dict[tuple[int, int], NDArray[np.uint8]]:
    """Return for each window of a part its (S, S, 3) pixels; they are views of the part's picture."""
    left, top, _, _ = _covering(part, grid)
    rects = {window: grid.window_rect(*window) for window in _pairs(part)}
    return {window: picture[y0 - top : y1 - top, x0 - left : x1 - left] for window, (x0, y0, x1, y1) in rects.items()}


def _covering(part: Part, grid: WorkingGrid) -> Rect:
    x0, y0, _, _ = grid.window_rect(*map(int, part.windows.min(axis=0)))
    _, _, x1, y1 = grid.window_rect(*map(int, part.windows.max(axis=0)))
    return x0, y0, x1, y1
