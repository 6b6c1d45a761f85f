"""What a geometry must be to become a footprint, rule by rule. `docs/ingest.md` words them for people."""

import numpy as np
import shapely

from processing.ground_area import areas_m2
from processing.ingest.report import Change, Refusal
from processing.ingest.seen_shapes import SeenShapes
from processing.ingest.sieve import Mask, Sieve
from processing.ingest.source_crs import SourceCrs
from processing.ingest.vector_source import SourceRows
from processing.scene_geometry import split_at_antimeridian, unwrap_deg

POLYGON, MULTIPOLYGON = 3, 6
REPAIR_SHARE_MAX = 0.01
"""A repair may change a footprint's area by less than this."""
SLIVER_M2 = 0.5
TYPE_NAMES = {0: "Point", 1: "LineString", 2: "LinearRing", 4: "MultiPoint", 5: "MultiLineString"}


def refuse_what_is_no_polygon(sieve: Sieve, rows: SourceRows, corners_max: int) -> None:
    """Leave polygons and multipolygons in two dimensions, with at least one corner and at most `corners_max`."""
    missing = shapely.is_missing(sieve.shapes)
    present, closed = rows.present, rows.closed
    sieve.refuse(missing & ~present, Refusal.NO_GEOMETRY, lambda _: "there is no geometry")
    broken = shapely.is_missing(sieve.shapes)
    sieve.refuse(broken, Refusal.UNREADABLE, lambda _: "what stands for a geometry is none")
    kinds = shapely.get_type_id(sieve.shapes)
    polygonal = (kinds == POLYGON) | (kinds == MULTIPOLYGON)
    sieve.refuse(~polygonal, Refusal.NOT_A_POLYGON, lambda at: TYPE_NAMES.get(int(kinds[at]), "a mixed or curved one"))
    sieve.refuse(shapely.is_empty(sieve.shapes), Refusal.NO_GEOMETRY, lambda _: "the polygon is empty")
    corners = shapely.get_num_coordinates(sieve.shapes)
    sieve.refuse(
        corners > corners_max, Refusal.TOO_MANY_CORNERS, lambda at: f"{corners[at]} corners, more than {corners_max}"
    )
    sieve.note(closed[sieve.positions], Change.REPAIRED, lambda _: "a ring was open; it is closed now")
    high = shapely.has_z(sieve.shapes) | shapely.has_m(sieve.shapes)
    sieve.note(high, Change.Z_OR_M_DROPPED, lambda _: "heights or measures of the corners are dropped")
    sieve.shapes = np.where(high, shapely.force_2d(sieve.shapes), sieve.shapes)


def bring_to_degrees(sieve: Sieve, crs: SourceCrs) -> None:
    """Transform to longitude and latitude; longitudes stay in one piece around each shape's first corner."""
    points, owners = shapely.get_coordinates(sieve.shapes, return_index=True)
    degrees, inside = crs.to_degrees(points)
    outside = np.bincount(owners, ~inside, minlength=len(sieve.shapes)) > 0
    starts = np.searchsorted(owners, np.arange(len(sieve.shapes)))
    moved = shapely.set_coordinates(sieve.shapes.copy(), np.where(inside[:, None], degrees, 0.0))
    wide = np.flatnonzero(np.ptp(shapely.bounds(moved)[:, [0, 2]], axis=1) > 180.0) if len(moved) else np.zeros(0, int)
    for index in wide:
        lon_0_deg = float(degrees[starts[index], 0])
        moved[index] = shapely.transform(
            moved[index], lambda xy, lon=lon_0_deg: np.column_stack([unwrap_deg(xy[:, 0], lon), xy[:, 1]])
        )
    sieve.shapes = moved
    first = points[starts] if len(starts) else points
    sieve.refuse(
        outside,
        Refusal.OUTSIDE_CRS_AREA,
        lambda at: f"begins at ({first[at, 0]:.9g}, {first[at, 1]:.9g}), outside of where {crs.label} holds",
    )


def mend_and_measure(sieve: Sieve) -> None:
    """Repair invalid rings where that leaves the area; refuse the others, and slivers."""
    sieve.areas_m2 = areas_m2(sieve.shapes)
    invalid = ~shapely.is_valid(sieve.shapes)
    if invalid.any():
        _mend(sieve, invalid)
    areas = sieve.areas_m2
    sieve.refuse(areas < SLIVER_M2, Refusal.SLIVER, lambda at: f"{areas[at]:.3f} m², less than {SLIVER_M2} m²")


def _mend(sieve: Sieve, invalid: Mask) -> None:
    reasons = np.full(len(invalid), "", object)
    reasons[invalid] = shapely.is_valid_reason(sieve.shapes[invalid])
    before = sieve.areas_m2.copy()
    sieve.shapes[invalid] = shapely.make_valid(sieve.shapes[invalid], method="structure", keep_collapsed=False)
    after = sieve.areas_m2
    after[invalid] = areas_m2(sieve.shapes[invalid])
    kinds = shapely.get_type_id(sieve.shapes)
    gone = invalid & (shapely.is_empty(sieve.shapes) | ~np.isin(kinds, (POLYGON, MULTIPOLYGON)))
    changed = np.abs(after - before)
    refused = gone | (invalid & ~(changed < REPAIR_SHARE_MAX * before))
    mended = invalid & ~refused
    sieve.note(mended, Change.REPAIRED, lambda at: f"{reasons[at]}; area changed by {changed[at]:.3f} m²")

    def why(at: int) -> str:
        result = "nothing is left of it" if gone[at] else f"a repair makes {before[at]:.1f} m² {after[at]:.1f} m²"
        return f"{reasons[at]}; {result}"

    sieve.refuse(refused, Refusal.INVALID, why)


def refuse_duplicates(sieve: Sieve, seen: SeenShapes) -> None:
    """Keep the first of several rows with exactly the same shape."""
    earlier = seen.first_rows(sieve.shapes, sieve.rows)
    sieve.refuse(earlier > 0, Refusal.DUPLICATE, lambda at: f"the same shape as row {earlier[at]}")


def settle(sieve: Sieve) -> None:
    """Cut what runs over the antimeridian; unpack what is in one part; say what is in several."""
    bounds = shapely.bounds(sieve.shapes)
    over = (bounds[:, 0] < -180.0) | (bounds[:, 2] > 180.0)
    sieve.shapes = split_at_antimeridian(sieve.shapes)
    single = (shapely.get_type_id(sieve.shapes) == MULTIPOLYGON) & (shapely.get_num_geometries(sieve.shapes) == 1)
    sieve.shapes[single] = shapely.get_geometry(sieve.shapes[single], 0)
    parts = shapely.get_num_geometries(sieve.shapes)
    cut = over & (parts > 1)
    sieve.note(cut, Change.CUT_AT_ANTIMERIDIAN, lambda at: f"{parts[at]} parts, one on each side")
    areas = sieve.areas_m2
    several = (parts > 1) & ~cut
    sieve.note(several, Change.KEPT_IN_SEVERAL_PARTS, lambda at: f"{parts[at]} parts, {areas[at]:.1f} m² together")
    sieve.report_changes()
