"""Footprints as points, without their geometry: what far-out tiles are made of."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint
from models.queries.footprints import FootprintFilter

READ_ROWS = 50_000


def read_points(session: Session, wanted: FootprintFilter) -> NDArray[np.float64]:
    """Return the centre of each footprint's envelope: (N, 4) longitude and latitude in degrees, m², confidence."""
    table = BuildingFootprint
    statement = select(
        (table.min_lon + table.max_lon) / 2, (table.min_lat + table.max_lat) / 2, table.area_m2, table.confidence
    ).where(*wanted.conditions())
    result = session.execute(statement.execution_options(yield_per=READ_ROWS))
    parts = [np.array([tuple(row) for row in rows], np.float64) for rows in result.partitions(READ_ROWS)]
    return np.concatenate(parts) if parts else np.empty((0, 4))
