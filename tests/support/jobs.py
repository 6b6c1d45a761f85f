"""Scenes and jobs written straight into the tables, for tests that need no pixels and no file."""

import uuid

from pyproj import CRS
from shapely.geometry import box, mapping

from auth.principals import Principal
from models.job import ProcessingJob
from models.job_moves import add_job
from models.scene import Scene, StoredFile
from processing.ingest.report import IngestReport
from processing.params import ExtractionParams
from processing.scene import SceneInfo
from webapp.resources import Resources
from webapp.services.jobs import submit_extraction
from webapp.services.views import JobView

SCENE_INFO = {
    "name": "made.tif",
    "width_px": 256,
    "height_px": 256,
    "driver": "GTiff",
    "band_count": 3,
    "dtype": "uint8",
    "crs_wkt": CRS.from_epsg(4326).to_wkt(),
    "pixel_to_crs": [1e-6, 0.0, 10.0, 0.0, -1e-6, 50.0],
    "gsd_m": 0.3,
    "gsd_x_m": 0.3,
    "gsd_y_m": 0.3,
    "bounds_deg": [10.0, 49.9, 10.1, 50.0],
    "outline": mapping(box(10.0, 49.9, 10.1, 50.0)),
    "nodata": None,
    "rgb_bands": [1, 2, 3],
    "stretch": [[0.0, 255.0]] * 3,
    "valid_share": 1.0,
    "size_bytes": 1000,
}


def add_scene(resources: Resources, principal: Principal) -> str:
    """Write the rows of a scene; return its id. There is no file."""
    SceneInfo.from_json(SCENE_INFO)
    scene_id, file_id = str(uuid.uuid4()), str(uuid.uuid4())
    with resources.database.write() as session:
        session.add(_file(principal, file_id, f"scenes/{scene_id}/{file_id}.tif", "made.tif"))
        session.flush()
        session.add(
            Scene(
                id=scene_id,
                owner_id=principal.user_id,
                file_id=file_id,
                name="made.tif",
                width_px=256,
                height_px=256,
                gsd_m=0.3,
                info=SCENE_INFO,
            )
        )
    return scene_id


def submit(resources: Resources, principal: Principal, scene_id: str | None = None) -> JobView:
    """Submit a job on a scene, one that is made for it unless given."""
    return submit_extraction(resources, principal, scene_id or add_scene(resources, principal), ExtractionParams())


def add_import(resources: Resources, principal: Principal, report: IngestReport | None = None) -> str:
    """Write the rows of a queued import; return its id. There is no file."""
    job_id, file_id = str(uuid.uuid4()), str(uuid.uuid4())
    found = report or IngestReport("made.geojson", "GeoJSON", "OGC:CRS84", None, {}, [])
    with resources.database.write() as session:
        session.add(_file(principal, file_id, f"imports/{job_id}/{file_id}", "made.geojson"))
        session.flush()
        job = ProcessingJob(
            id=job_id,
            owner_id=principal.user_id,
            kind="import",
            file_id=file_id,
            params={},
            import_report=found.to_json(),
            max_attempts=3,
        )
        add_job(session, job)
    return job_id


def _file(principal: Principal, file_id: str, key: str, name: str) -> StoredFile:
    return StoredFile(
        id=file_id,
        owner_id=principal.user_id,
        storage_key=key,
        name=name,
        media_type="image/tiff",
        size_bytes=1000,
        sha256="0" * 64,
    )
