"""Files of footprints in every format, made in code."""

import json
import warnings
import zipfile

import geopandas
import numpy as np
import pyogrio
import shapely

SIDE_DEG = 1e-4
DRIVERS = {"fgb": "FlatGeobuf", "gpkg": "GPKG", "geojson": "GeoJSON", "geojsonl": "GeoJSONSeq"}
FORMATS = ("parquet", "zip", *DRIVERS)


def squares(count=6, lon_deg=10.0, lat_deg=50.0):
    """Squares of about 7 × 11 m in a row."""
    west = lon_deg + np.arange(count) * 1e-3
    return shapely.box(west, lat_deg, west + SIDE_DEG, lat_deg + SIDE_DEG)


def frame(shapes=None, crs=4326, **columns):
    """A table with an id, a confidence, a source and something else."""
    shapes = squares() if shapes is None else shapes
    count = len(shapes)
    values = {
        "id": [f"b{n}" for n in range(count)],
        "confidence": np.linspace(0.5, 1.0, count),
        "source": ["town ünï 建物"] * count,
        "height": np.arange(count) + 0.5,
    }
    return geopandas.GeoDataFrame(values | columns, geometry=list(shapes), crs=crs)


def write(table, path):
    """Write a table in the format of the suffix."""
    kind = path.suffix[1:]
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "zip":
        zip_shapefile(table, path)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no crs" is what some tests are about
            pyogrio.write_dataframe(table, path, driver=DRIVERS[kind])
    return path


def zip_shapefile(table, path, stem="town/roofs", extra=()):
    """Pack a Shapefile, with further members if wanted."""
    folder = path.with_suffix(".parts")
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pyogrio.write_dataframe(table, folder / "a.shp", driver="ESRI Shapefile", encoding="UTF-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, stem + part.suffix)
        for name, content in extra:
            archive.writestr(name, content)


def sequence(path, *records):
    """Write lines: dicts as JSON, text as it is."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def feature(shape, **properties):
    """One GeoJSON feature."""
    geometry = None if shape is None else json.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "properties": properties, "geometry": geometry}
