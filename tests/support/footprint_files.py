"""Files of existing footprints, made in code, and their way into an installation."""

import json
import uuid
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from auth.principals import Principal
from processing.ingest.reading import check_file
from tests.support.footprints import squares
from webapp.resources import Resources
from webapp.services import imports
from webapp.services.imports import ImportOptions, submit_import
from webapp.services.uploads import ReceivedFile, begin_upload
from webapp.services.views import ImportView


def feature(shape: BaseGeometry | None, **properties: Any) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    geometry = None if shape is None else json.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def town_features(number: int = 6) -> list[dict[str, Any]]:
    """Return houses, every other of which has a confidence; then one of them again, a point, and nothing."""
    houses = squares(number)
    found = [
        feature(house, id=f"H{index}", score=0.5 + index / 100 if index % 2 else None, storeys=index % 4 + 1)
        for index, house in enumerate(houses)
    ]
    return [*found, feature(houses[1], id="again"), feature(shapely.Point(10, 50), id="point"), feature(None)]


def write_geojson(path: Path, features: list[dict[str, Any]] | None = None) -> Path:
    """Write a FeatureCollection."""
    chosen = town_features() if features is None else features
    path.write_text(json.dumps({"type": "FeatureCollection", "features": chosen}))
    return path


def send(resources: Resources, person: Principal, path: Path, **options: str) -> ImportView:
    """Do what an upload does."""
    return submit_import(resources, person, _receive(resources, person, path), ImportOptions(**options))


def queue_import(resources: Resources, person: Principal, path: Path) -> ImportView:
    """Do what an upload of a good file does, but check it in this process: a child takes seconds to start."""
    received, options = _receive(resources, person, path), ImportOptions()
    try:
        report = check_file(received.path, options.for_reading(received.name))
        job = imports._job(resources, person, options, report, str(uuid.uuid4()))
        return imports._keep(resources, person, received, job)
    finally:
        received.discard()


def _receive(resources: Resources, person: Principal, path: Path) -> ReceivedFile:
    with begin_upload(resources, person, path.name) as upload:
        upload.write(path.read_bytes())
        return upload.finish()
