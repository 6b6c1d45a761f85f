"""What the feeder hands to the index: a batch of footprints as arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from processing.errors import FootprintsInvalid

_POLYGON, _MULTIPOLYGON = 3, 6
_MOST_SECONDS = 2**32 - 1


@dataclass(frozen=True)
class FootprintBatch:
    """N footprints, new ones or newer versions of known ones. All arrays have length N.

    ids: int64. versions: int32; of the same id the greatest counts. geometries: shapely Polygon or MultiPolygon in
    EPSG:4326; over the antimeridian as parts on both sides, or with longitudes above 180. area_m2: true area.
    confidence: in [0, 1], NaN where there is none. jobs, scenes: names (str), such as UUIDs; the name of no scene
    is empty. created_s: seconds since 1970, fractions are cut. review: uint8, a number for each state of review.
    """

    ids: NDArray[np.int64]
    versions: NDArray[np.int32]
    geometries: NDArray[np.object_]
    area_m2: NDArray[np.float64]
    confidence: NDArray[np.float64]
    jobs: NDArray[Any]
    scenes: NDArray[Any]
    created_s: NDArray[np.float64]
    review: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Refuse what cannot be kept. Raises `FootprintsInvalid`, which names the ids."""
        lengths = {len(column) for column in vars(self).values()}
        if len(lengths) > 1:
            raise FootprintsInvalid(ids=[], detail=f"the columns have different lengths: {sorted(lengths)}")
        kinds = shapely.get_type_id(self.geometries)
        self._refuse(~np.isin(kinds, (_POLYGON, _MULTIPOLYGON)), "there is no polygon")
        self._refuse(shapely.is_empty(self.geometries), "the polygon is empty")
        bounds = shapely.bounds(self.geometries)
        self._refuse(~(np.abs(bounds) <= (540, 91, 540, 91)).all(axis=1), "the polygon does not lie in degrees")
        area, confidence, created = (np.asarray(v, float) for v in (self.area_m2, self.confidence, self.created_s))
        self._refuse(~((area >= 0) & (area < 1e15)), "the area is not a number of square metres")
        self._refuse((confidence < 0) | (confidence > 1), "the confidence is not between 0 and 1")
        self._refuse(~((created >= 0) & (created <= _MOST_SECONDS)), "the time is not between 1970 and 2106")

    def __len__(self) -> int:
        """Return N."""
        return len(self.ids)

    def take(self, rows: NDArray[Any]) -> "FootprintBatch":
        """Return the chosen rows (positions or a mask) as a batch."""
        return FootprintBatch(**{name: np.asarray(column)[rows] for name, column in vars(self).items()})

    def _refuse(self, wrong: NDArray[np.bool_], detail: str) -> None:
        if wrong.any():
            raise FootprintsInvalid(ids=np.asarray(self.ids)[wrong][:10].tolist(), detail=detail)
