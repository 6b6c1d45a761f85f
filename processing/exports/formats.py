"""The formats in which footprints leave the house."""

from dataclasses import dataclass

from processing.errors import OutputUnsupported, ParameterInvalid


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format: its key, how its files end, its media type, and what people call it."""

    name: str
    suffix: str
    media_type: str
    label: str


FORMATS: dict[str, ExportFormat] = {
    "geojson": ExportFormat("geojson", ".geojson", "application/geo+json", "GeoJSON"),
    "geojsonseq": ExportFormat("geojsonseq", ".geojsonl", "application/geo+json-seq", "GeoJSON text sequence"),
    "csv": ExportFormat("csv", ".csv", "text/csv; charset=utf-8", "CSV"),
    "kml": ExportFormat("kml", ".kml", "application/vnd.google-earth.kml+xml", "KML"),
    "kmz": ExportFormat("kmz", ".kmz", "application/vnd.google-earth.kmz", "KMZ"),
    "shapefile": ExportFormat("shapefile", ".zip", "application/zip", "Shapefile"),
    "gpkg": ExportFormat("gpkg", ".gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    "parquet": ExportFormat("parquet", ".parquet", "application/vnd.apache.parquet", "GeoParquet"),
    "fgb": ExportFormat("fgb", ".fgb", "application/flatgeobuf", "FlatGeobuf"),
    "pmtiles": ExportFormat("pmtiles", ".pmtiles", "application/vnd.pmtiles", "PMTiles"),
}


def format_named(name: str) -> ExportFormat:
    """Return a format by its key; raises `ParameterInvalid`."""
    if name not in FORMATS:
        raise ParameterInvalid(parameter="format", value=name, rule=f"it must be one of {', '.join(FORMATS)}")
    return FORMATS[name]


def key_of_suffix(file_name: str) -> str:
    """Return the key of the format that a file name's suffix asks for; raises `OutputUnsupported`."""
    for key, format_ in FORMATS.items():
        if file_name.lower().endswith(format_.suffix):
            return key
    allowed = ", ".join(format_.suffix for format_ in FORMATS.values())
    raise OutputUnsupported(name=file_name, allowed=allowed)
