"""Polygons as GeoJSON, WKT or KML text, a whole batch at a time: points are joined to rings, rings to parts, and on."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from processing.exports.value_text import join_rows

DECIMALS = 8
"""Of a degree: about a millimetre on the ground."""
MULTIPOLYGON = 6


@dataclass(frozen=True, slots=True)
class Notation:
    """The words before, between and after numbers, points, rings and parts."""

    point: tuple[str, str, str]
    points_between: str
    outer: tuple[str, str]
    hole: tuple[str, str]
    part: tuple[str, str]
    parts_between: str
    polygon: tuple[str, str]
    several: tuple[str, str]


GEOJSON = Notation(
    point=("[", ",", "]"),
    points_between=",",
    outer=("[", "]"),
    hole=(",[", "]"),
    part=("[", "]"),
    parts_between=",",
    polygon=('{"type":"Polygon","coordinates":', "}"),
    several=('{"type":"MultiPolygon","coordinates":[', "]}"),
)
WKT = Notation(
    point=("", " ", ""),
    points_between=", ",
    outer=("(", ")"),
    hole=(", (", ")"),
    part=("(", ")"),
    parts_between=", ",
    polygon=("POLYGON ", ""),
    several=("MULTIPOLYGON (", ")"),
)
KML_RING, KML_RING_END = "<LinearRing><coordinates>", "</coordinates></LinearRing>"
KML = Notation(
    point=("", ",", ""),
    points_between=" ",
    outer=(f"<outerBoundaryIs>{KML_RING}", f"{KML_RING_END}</outerBoundaryIs>"),
    hole=(f"<innerBoundaryIs>{KML_RING}", f"{KML_RING_END}</innerBoundaryIs>"),
    part=("<Polygon>", "</Polygon>"),
    parts_between="",
    polygon=("", ""),
    several=("<MultiGeometry>", "</MultiGeometry>"),
)


def polygon_texts(shapes: NDArray[np.object_], notation: Notation) -> pa.Array:
    """Return the text of (N,) polygons and multipolygons in degrees as large strings; 8 decimals at most."""
    if not len(shapes):
        return pa.array([], pa.large_string())
    several = shapely.get_type_id(shapes) == MULTIPOLYGON
    # The last shape makes the layout one with parts, always; its text is left out.
    filler = shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])
    _, points, (ring_ends, part_ends, shape_ends) = shapely.to_ragged_array(np.append(shapes, filler))
    rings = _joined(_point_texts(points, notation), ring_ends, notation.points_between)
    first = np.zeros(len(rings), bool)
    first[part_ends[:-1]] = True
    parts = _joined(_wrapped(rings, first, notation.outer, notation.hole), part_ends, "")
    whole = _joined(join_rows(notation.part[0], parts, notation.part[1]), shape_ends, notation.parts_between)
    return _wrapped(whole.slice(0, len(shapes)), several, notation.several, notation.polygon)


def _point_texts(points: NDArray[np.float64], notation: Notation) -> pa.Array:
    before, between, after = notation.point
    rounded = np.round(points, DECIMALS) + 0.0  # no minus zero
    x, y = (pa.array(np.ascontiguousarray(rounded[:, axis])).cast(pa.large_string()) for axis in (0, 1))
    return join_rows(before, x, between, y, after)


def _joined(texts: pa.Array, ends: NDArray[np.integer], between: str) -> pa.Array:
    groups = pa.LargeListArray.from_arrays(pa.array(np.asarray(ends, np.int64)), texts)
    return pc.binary_join(groups, pa.scalar(between, pa.large_string()))


def _wrapped(texts: pa.Array, mask: NDArray[np.bool_], words: tuple[str, str], others: tuple[str, str]) -> pa.Array:
    """Put `words` around the texts under the mask, `others` around the rest."""
    chosen = pa.array(mask)
    opening, closing = (
        pc.if_else(chosen, pa.scalar(word, pa.large_string()), pa.scalar(other, pa.large_string()))
        for word, other in zip(words, others, strict=True)
    )
    return join_rows(opening, texts, closing)
