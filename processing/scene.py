"""What there is to know about a scene before any building is looked for."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import shapely
from affine import Affine
from pyproj import CRS
from rasterio.windows import Window
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from processing.bands import BandLayout, read_layout, read_pixels
from processing.errors import GeotransformInvalid, SceneEmpty
from processing.normalize import Stretch, measure_stretch
from processing.raster_file import Dataset, SceneBudget, check_complete, check_header, open_raster
from processing.scene_geometry import (
    Bounds,
    bounds_deg,
    check_transform,
    ground_sampling_m,
    outline_deg,
    read_crs,
    scene_centre_deg,
    split_at_antimeridian,
)
from processing.valid_search import any_valid

SAMPLES_PER_SIDE = 8
SAMPLE_PX = 256
SAMPLE_EVERY = 7
"""Every so many pixels of a sampled window count for the stretch: percentiles of half a million are as good."""


@dataclass(frozen=True, slots=True)
class SceneInfo:
    """A georeferenced raster that has been checked."""

    name: str
    width_px: int
    height_px: int
    band_count: int
    dtype: str
    crs_wkt: str
    pixel_to_crs: Affine
    gsd_m: float
    """True ground sampling distance at the centre: the geometric mean of `gsd_x_m` and `gsd_y_m`."""
    gsd_x_m: float
    gsd_y_m: float
    bounds_deg: Bounds
    """West, south, east, north in EPSG:4326; west > east over the antimeridian."""
    outline: BaseGeometry
    """EPSG:4326 Polygon, or MultiPolygon over the antimeridian."""
    nodata: float | None
    rgb_bands: tuple[int, int, int]
    """Band numbers from 1; three times the same for grey."""
    stretch: Stretch
    valid_share: float
    """Share of sampled pixels that hold imagery, in [0, 1]."""
    size_bytes: int
    driver: str
    """GTiff; or VRT, which only `allow_vrt` lets in. Nothing else will open the scene again."""

    @property
    def crs(self) -> CRS:
        """The coordinate reference system, parsed."""
        return CRS.from_wkt(self.crs_wkt)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = asdict(self)
        values["pixel_to_crs"] = list(self.pixel_to_crs)[:6]
        values["outline"] = mapping(self.outline)
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from what `to_json` returned, also after a trip through JSON text."""
        changed = {
            "pixel_to_crs": Affine(*values["pixel_to_crs"]),
            "outline": shape(values["outline"]),
            "bounds_deg": tuple(values["bounds_deg"]),
            "rgb_bands": tuple(values["rgb_bands"]),
            "stretch": tuple((float(low), float(high)) for low, high in values["stretch"]),
        }
        return cls(**(values | changed))


def inspect_scene(path: Path, *, name: str, budget: SceneBudget, allow_vrt: bool = False) -> SceneInfo:
    """Open a raster by its content, judge its header, then sample its pixels.

    `name` is what the person calls the file; it appears in errors. `allow_vrt` is for files of the local user only.
    Raises a `ProcessingError` that says what is wrong with the file.
    """
    with open_raster(path, name=name, allow_vrt=allow_vrt) as dataset:
        check_header(dataset, name=name, budget=budget)
        crs = read_crs(dataset.crs.to_wkt() if dataset.crs else None, name=name)
        check_transform(dataset.transform, name=name, has_gcps=bool(dataset.gcps[0]))
        check_complete(dataset, path, name=name)
        layout = read_layout(dataset)
        stretch, valid_share = _sample(dataset, layout, name)
        place = _place(dataset, crs, name)
        return SceneInfo(
            name=name,
            width_px=dataset.width,
            height_px=dataset.height,
            band_count=dataset.count,
            dtype=dataset.dtypes[layout.rgb_bands[0] - 1],
            crs_wkt=crs.to_wkt(),
            pixel_to_crs=dataset.transform,
            nodata=_plain_nodata(dataset.nodata),
            rgb_bands=layout.rgb_bands,
            stretch=stretch,
            valid_share=valid_share,
            size_bytes=path.stat().st_size,
            driver=dataset.driver,
            **place,
        )


def _place(dataset: Dataset, crs: CRS, name: str) -> dict[str, Any]:
    size_px = (dataset.width, dataset.height)
    lon_deg, _ = scene_centre_deg(crs, dataset.transform, size_px, name=name)
    outline = outline_deg(crs, dataset.transform, size_px, lon_deg, name=name)
    gsd_x_m, gsd_y_m = ground_sampling_m(crs, dataset.transform, size_px)
    if not (np.isfinite([gsd_x_m, gsd_y_m]).all() and min(gsd_x_m, gsd_y_m) > 0):
        raise GeotransformInvalid(name=name, detail="its pixels have no size on the ground")
    return {
        "gsd_m": float(np.sqrt(gsd_x_m * gsd_y_m)),
        "gsd_x_m": gsd_x_m,
        "gsd_y_m": gsd_y_m,
        "bounds_deg": bounds_deg(outline),
        "outline": shapely.normalize(split_at_antimeridian(outline)),
    }


def _plain_nodata(nodata: float | None) -> float | None:
    """NaN has no place in JSON, and every reading treats NaN as nodata anyway."""
    return None if nodata is None or not np.isfinite(nodata) else float(nodata)


def _sample(dataset: Dataset, layout: BandLayout, name: str) -> tuple[Stretch, float]:
    """Read an even grid of small windows, corners included: it gives the stretch and finds damaged pixels early."""
    picked, valid_px, seen_px = [], 0, 0
    for window in _sample_windows(dataset.width, dataset.height):
        values, valid = read_pixels(dataset, layout, window)
        valid_px, seen_px = valid_px + int(valid.sum()), seen_px + valid.size
        picked.append(values[:, valid][:, ::SAMPLE_EVERY])
    if valid_px == 0 and not any_valid(dataset, layout):
        raise SceneEmpty(name=name)
    dtype = "uint8" if layout.palette is not None else dataset.dtypes[layout.rgb_bands[0] - 1]
    return measure_stretch(np.concatenate(picked, axis=1), dtype), valid_px / seen_px


def _sample_windows(width_px: int, height_px: int) -> list[Window]:
    def starts(length_px: int) -> list[int]:
        last = max(0, length_px - SAMPLE_PX)
        return sorted({round(last * step / (SAMPLES_PER_SIDE - 1)) for step in range(SAMPLES_PER_SIDE)})

    return [
        Window(column, row, min(SAMPLE_PX, width_px), min(SAMPLE_PX, height_px))
        for row in starts(height_px)
        for column in starts(width_px)
    ]
