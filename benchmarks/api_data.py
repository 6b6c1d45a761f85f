"""What all subjects of `bench api` hold: the same made-up towns, in our tables and index, and in the peer's table."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
from sqlalchemy import text

from auth.principals import SYSTEM, Principal, Scope
from benchmarks.children import ROOT, run_child
from benchmarks.map_towns import town_batches
from models.footprint_writes import FootprintSource, insert_footprints
from processing.footprint_index.batch import FootprintBatch
from tests.support.jobs import submit
from tests.support.people import make_person
from webapp.database import migrate
from webapp.resources import Resources, open_resources
from webapp.services.api_keys import create_key
from webapp.services.index_feeding import feed_indexes
from webapp.services.jobs import cancel_job
from webapp.settings import Settings, load_settings

KEPT = ROOT / "runs" / "bench_api"
"""Outside of version control; what was made once is taken again."""
SECRET = "for this benchmark alone, and for nothing else"
ROWS_AT_ONCE = 20_000
READY = "ready"
KEY_FILE = "key"


def kept_sqlite(rows: int) -> Path:
    """Return a folder with our data on SQLite (`data`), the peer's file, and a key; made at the first time."""
    folder = KEPT / f"{rows}"
    if not (folder / READY).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        fill_ours(folder, rows, "")
        fill_plain(f"sqlite:///{folder / 'plain.db'}", rows)
        (folder / READY).touch()
    migrate(_settings(folder, "").database_address)  # the tables may have changed since
    return folder


def fill_ours(folder: Path, rows: int, database_url: str) -> None:
    """Store the towns as a person's jobs, feed that person's index, and leave a key for the API."""
    settings = _settings(folder, database_url)
    migrate(settings.database_address)
    resources = open_resources(settings)
    try:
        person = make_person(resources, "city")
        for batch in town_batches(rows):
            _store(resources, person, batch)
        feed_indexes(resources, [person.user_id])
        with resources.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE" if resources.database.is_sqlite else "VACUUM ANALYZE"))
        (folder / KEY_FILE).write_text(create_key(resources, person, "bench", {Scope.READ}).key)
    finally:
        resources.close()


def _settings(folder: Path, database_url: str) -> Settings:
    return load_settings(
        _env_file=None,
        data_dir=folder / "data",
        database_url=database_url,
        secret_key=SECRET,
        tier_of_user="enterprise",
    )


def fill_plain(address: str, rows: int) -> None:
    """Let the peer store the same; it is told its database by the environment, so in a process of its own."""
    os.environ["PLAIN_DATABASE"] = address
    import sys

    run_child(sys.executable, "benchmarks.api_plain_fill", str(rows))


def box_centres(rows: int, count: int) -> np.ndarray:
    """Return (N, 2) degrees: places of some of the footprints, so that no box is over nothing."""
    rng = np.random.default_rng(11)
    batch = next(iter(town_batches(rows)))
    chosen = rng.integers(0, len(batch.ids), count)
    bounds = np.array([batch.geometries[one].bounds for one in chosen])
    return (bounds[:, :2] + bounds[:, 2:]) / 2


def _store(resources: Resources, person: Principal, batch: FootprintBatch) -> None:
    job = submit(resources, person)
    source = FootprintSource(job.id, job.scene_id, person.user_id)
    for frame in _frames(batch):
        with resources.database.write(SYSTEM) as session:
            insert_footprints(session, source, frame)
    cancel_job(resources, person, job.id)


def _frames(batch: FootprintBatch) -> Iterator[geopandas.GeoDataFrame]:
    for first in range(0, len(batch.ids), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        shapes, count = geopandas.GeoSeries(batch.geometries[part], crs=4326), len(batch.ids[part])
        columns = {
            "footprint_key": batch.ids[part].astype(str),
            "raw_geometry": shapes,
            "area_m2": batch.area_m2[part],
            "confidence": batch.confidence[part],
            "reg_method": ["none"] * count,
            "reg_iou": np.full(count, np.nan),
            "reg_status": ["kept"] * count,
        }
        yield geopandas.GeoDataFrame(columns, geometry=shapes, crs=4326)
