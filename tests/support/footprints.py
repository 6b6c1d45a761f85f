"""Footprints made in code, in the form that the pipeline gives them."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class MadePart:
    """A finished part as `processing.pipeline.PartResult` has it."""

    part: int
    payload: bytes
    windows_done: int
    windows_total: int
    footprints: gpd.GeoDataFrame


def frame_of(shapes: list[BaseGeometry], prefix: str = "k", confidence: float | None = None) -> gpd.GeoDataFrame:
    """Return a frame with these shapes; confidence rises from 0.5 to 1 unless given."""
    number = len(shapes)
    return gpd.GeoDataFrame(
        {
            "footprint_key": [f"{prefix}{index}" for index in range(number)],
            "raw_geometry": gpd.GeoSeries(shapes, crs=4326),
            "area_m2": np.linspace(10, 100, number) if number > 1 else np.full(number, 10.0),
            "confidence": np.linspace(0.5, 1, number) if confidence is None else np.full(number, confidence),
            "reg_method": ["none"] * number,
            "reg_iou": np.full(number, np.nan),
            "reg_status": ["kept"] * number,
        },
        geometry=gpd.GeoSeries(shapes, crs=4326),
        crs=4326,
    )


def squares(number: int, seed: int = 0, west: float = 10.0, south: float = 49.9) -> list[BaseGeometry]:
    """Return small squares at random places within a tenth of a degree."""
    places = np.random.default_rng(seed).random((number, 2)) * 0.1 + (west, south)
    return list(shapely.box(places[:, 0], places[:, 1], places[:, 0] + 2e-4, places[:, 1] + 2e-4))


def part_of(index: int, parts: int, shapes: list[BaseGeometry] | None = None) -> MadePart:
    """Return part `index` of `parts`, with ten windows each; its footprints depend on the index alone."""
    chosen = squares(4, seed=index) if shapes is None else shapes
    frame = frame_of(chosen, prefix=f"p{index}-")
    return MadePart(index, f"payload {index}".encode(), 10 * (index + 1), 10 * parts, frame)
