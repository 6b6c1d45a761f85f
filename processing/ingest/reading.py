"""A file of footprints in, batches of valid polygons and a report out."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from processing.errors import VectorTooLarge, VectorUnreadable
from processing.ingest.columns import ColumnMap, MappedColumns, map_columns, take_columns
from processing.ingest.file_kinds import FileKind, kind_of
from processing.ingest.geometry_rules import (
    bring_to_degrees,
    mend_and_measure,
    refuse_duplicates,
    refuse_what_is_no_polygon,
    settle,
)
from processing.ingest.ogr_source import open_ogr
from processing.ingest.options import IngestOptions
from processing.ingest.parquet_source import open_parquet
from processing.ingest.report import IngestReport
from processing.ingest.seen_shapes import SeenShapes
from processing.ingest.sequence_source import open_sequence
from processing.ingest.sieve import Sieve
from processing.ingest.source_crs import SourceCrs, source_crs
from processing.ingest.vector_source import SourceRows, VectorSource, scratch_folder
from processing.ingest.zipped_shapefile import unpack_shapefile

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

EPSG = 4326


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """What is left of a batch: (N,) valid shapes in EPSG:4326, their rows in the file, areas and attributes."""

    rows: NDArray[np.int64]
    shapes: NDArray[np.object_]
    areas_m2: NDArray[np.float64]
    columns: MappedColumns

    def to_frame(self) -> "GeoDataFrame":
        """Return them as `FootprintReading.batches` describes. Loads data frames, which a check does without."""
        import pandas as pd
        from geopandas import GeoDataFrame

        columns = {
            "source_row": self.rows,
            "source_id": pd.Series(self.columns.source_id, dtype=object),
            "source_name": pd.Series(self.columns.source_name, dtype=object),
            "confidence": self.columns.confidence,
            "area_m2": self.areas_m2,
            "attributes": pd.Series(self.columns.attributes, dtype=object),
            "geometry": np.asarray(self.shapes, object),
        }
        return GeoDataFrame(columns, geometry="geometry", crs=EPSG)


class FootprintReading:
    """An open file. `batches()` is to be run once; `report` is up to date after each batch and final at the end."""

    def __init__(self, source: VectorSource, kind: FileKind, options: IngestOptions, name: str) -> None:
        self._source, self._options, self._name = source, options, name
        self._crs: SourceCrs = source_crs(source.crs, options.crs, name=name)
        self._columns: ColumnMap = map_columns(source.columns, options.columns, name=name)
        self._seen = SeenShapes()
        self.report = IngestReport(
            name=name,
            format=str(kind),
            crs=self._crs.label,
            crs_note=self._crs.note,
            columns=self._columns.named(),
            extra_columns=self._columns.extra(source.columns),
        )

    @property
    def rows_announced(self) -> int | None:
        """How many rows the file says it holds, for a progress bar; None where it does not say."""
        return self._source.rows_announced

    def batches(self) -> Iterator["GeoDataFrame"]:
        """Yield the footprints of each batch of rows, maybe none, in the file's order.

        Columns: `source_row` (int, the file's first row is 1), `source_id`, `source_name` (text or None), `confidence`
        (NaN where there is none), `area_m2`, `attributes` (JSON text or None), `geometry` (EPSG:4326, valid Polygon or
        MultiPolygon within ±180°). Raises what `judged` raises.
        """
        return (judged.to_frame() for judged in self.judged())

    def judged(self) -> Iterator[JudgedRows]:
        """Yield what is left of each batch of rows, maybe nothing, in the file's order.

        Raises `VectorUnreadable` where the file ends before what it announced, `VectorTooLarge`.
        """
        limit = self._options.budget.rows_max
        for rows in self._source.rows:
            if self.report.rows_read + len(rows.shapes) > limit:
                raise VectorTooLarge(name=self._name, limit=f"{limit:,} rows")
            judged = self._judge(rows)
            self.report.rows_read += len(rows.shapes)
            yield judged
        announced = self._source.rows_announced
        if announced is not None and announced != self.report.rows_read:
            detail = f"it announces {announced} rows and holds {self.report.rows_read}"
            raise VectorUnreadable(name=self._name, detail=detail)

    def _judge(self, rows: SourceRows) -> JudgedRows:
        sieve = Sieve(rows.shapes, rows.first_row, self.report)
        refuse_what_is_no_polygon(sieve, rows, self._options.budget.corners_max)
        bring_to_degrees(sieve, self._crs)
        mend_and_measure(sieve)
        refuse_duplicates(sieve, self._seen)
        settle(sieve)
        chosen = [rows.attributes[at] for at in sieve.positions]
        mapped = take_columns(chosen, sieve.rows, self._columns, self.report)
        self.report.keep(sieve.areas_m2, shapely.bounds(sieve.shapes).reshape(-1, 4))
        return JudgedRows(sieve.rows, sieve.shapes, sieve.areas_m2, mapped)


@contextmanager
def open_footprints(
    path: Path, options: IngestOptions | None = None, *, scratch: Path | None = None
) -> Iterator[FootprintReading]:
    """Open a file of footprints by its content.

    `scratch` is where a ZIP is unpacked for the time of the reading. Raises `VectorFormatUnknown`, `VectorUnreadable`,
    `VectorTooLarge`, `VectorCrsMissing`, `CrsUnusable`, `LayerAmbiguous`, `ArchiveUnsafe`, `ColumnMissing`.
    """
    options = options or IngestOptions()
    name = options.name or path.name
    kind = kind_of(path, name=name)
    with scratch_folder(scratch) as folder, _source(path, kind, folder, name, options) as source:
        yield FootprintReading(source, kind, options, name)


def check_file(path: Path, options: IngestOptions | None = None, *, scratch: Path | None = None) -> IngestReport:
    """Read a whole file and return what would become of its rows. Raises what `open_footprints` raises."""
    with open_footprints(path, options, scratch=scratch) as reading:
        for _ in reading.judged():
            pass
        return reading.report


def _source(
    path: Path, kind: FileKind, folder: Path, name: str, options: IngestOptions
) -> AbstractContextManager[VectorSource]:
    if kind is FileKind.GEOPARQUET:
        return open_parquet(path, name=name, budget=options.budget)
    if kind is FileKind.GEOJSON_SEQUENCE:
        return open_sequence(path, name=name, budget=options.budget)
    if kind is FileKind.ZIPPED_SHAPEFILE:
        path = unpack_shapefile(path, folder, name=name, options=options)
    return open_ogr(path, kind, name=name, options=options)
