"""Exported files, read by others: GDAL, geopandas, and the standard library for CSV, ZIP and XML."""

import csv
import zipfile
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyogrio
import shapely

KML = "{http://www.opengis.net/kml/2.2}"


def read(format, path):
    if format == "parquet":
        return geopandas.read_parquet(path)
    if format == "csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        geometry = shapely.from_wkt([row["wkt"] for row in rows])
        return geopandas.GeoDataFrame(rows, geometry=geometry, crs=4326)
    if format == "kmz":
        unpacked = path.with_suffix(".unpacked.kml")
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["doc.kml"]
            unpacked.write_bytes(archive.read("doc.kml"))
        found = read("kml", unpacked)
        unpacked.unlink()
        return found
    if format == "pmtiles":
        return whole_again(pyogrio.read_dataframe(path))
    frame = pyogrio.read_dataframe(f"/vsizip/{path}" if format == "shapefile" else path)
    if format == "kml" and pyogrio.read_info(path)["driver"] == "KML":
        # GDAL's plain KML driver, taken where the better one does not open, leaves attributes out by design.
        return frame.assign(**kml_attributes(path))
    return frame


def whole_again(pieces):
    """Footprints of the highest zoom: what tiles cut apart is joined, the margins that they share count once."""
    if not len(pieces):
        return pieces
    pieces = pieces.set_geometry(shapely.make_valid(np.asarray(pieces.geometry)), crs=3857)
    return pieces.dissolve("footprint_key", as_index=False).to_crs(4326)


def kml_attributes(path):
    """The attributes of each placemark, by an XML reader."""
    placemarks = list(ElementTree.parse(path).iter(f"{KML}Placemark"))
    rows = [
        {data.get("name"): data.findtext(f"{KML}value") for data in placemark.iter(f"{KML}Data")}
        for placemark in placemarks
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
