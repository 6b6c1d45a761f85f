"""Files of one layer that GDAL writes from a stream of Arrow batches; GeoPackage needs nothing more."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from processing.exports.arrow_batches import arrow_batches
from processing.exports.batches import GEOMETRY, FootprintBatch

CRS_NAME = "EPSG:4326"
LAYER = "footprints"


def write_gpkg(path: Path, batches: Iterable[FootprintBatch]) -> None:
    """Write one layer with a spatial index (R-tree)."""
    schema, records = arrow_batches(batches, multi=True)
    write_layer(path, "GPKG", schema, records)


def write_layer(path: Path, driver: str, schema: pa.Schema, records: Iterator[pa.RecordBatch], **options: Any) -> None:
    """Stream records into a new file of one layer; what the source of the records raises comes through as itself.

    What GDAL cannot do is an `OSError`.
    """
    import pyogrio  # brings data frames along, 60 MB that only the formats written by GDAL pay for
    from pyogrio.errors import DataLayerError, DataSourceError

    settings: dict[str, Any] = {"geometry_type": "MultiPolygon", "layer": LAYER} | options
    watched = _Watched(records)
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, watched.pass_on()),
            path,
            driver=driver,
            geometry_name=GEOMETRY,
            crs=CRS_NAME,
            **settings,
        )
    except Exception as error:
        if watched.error is not None:
            raise watched.error from None
        if isinstance(error, DataLayerError | DataSourceError):
            raise OSError(str(error)) from error
        raise
    if watched.error is not None:
        raise watched.error


class _Watched:
    """Remembers what went wrong in the source of the records: Arrow's stream between us and GDAL keeps only a text."""

    def __init__(self, records: Iterator[pa.RecordBatch]) -> None:
        self._records = records
        self.error: BaseException | None = None

    def pass_on(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._records
        except BaseException as error:
            self.error = error
            raise
