import json

import pytest
from shapely import box
from sqlalchemy import text

from auth.principals import SYSTEM
from pages.export_progress import LARGE_ROWS, Wanted, problem_html, progress_html
from tests.support.stored import finished_job
from webapp.services import export_files
from webapp.services.exports import ViewScope
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes
from webapp.tasks.exporting import ExportContext, run_export

JOB = MapQuery(FootprintQuery(job_id="j"))
REGION = box(10.0, 49.9, 10.05, 50.0)


@pytest.mark.parametrize(
    ("wanted", "large"),
    [
        (Wanted(), False),
        (Wanted(JOB), False),
        (Wanted(JOB, rows=LARGE_ROWS), False),
        (Wanted(JOB, rows=LARGE_ROWS + 1), True),
        (Wanted(rows=LARGE_ROWS + 1), False),
    ],
)
def test_only_what_is_known_to_be_large_is_prepared(wanted, large):
    assert wanted.is_large is large


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("limit", ["view", "region"])
def test_a_view_is_prepared_followed_and_offered(resources, alice, limit):
    job_id = finished_job(resources, alice, 60)
    feed_indexes(resources)
    query = FootprintQuery(job_id=job_id)
    if limit == "view":
        scope = Wanted(MapQuery(query), REGION.bounds, rows=60_000).scope
    else:
        scope = Wanted(MapQuery(query, REGION), None, REGION.wkt, rows=60_000).scope
    assert isinstance(scope, ViewScope)
    export = export_files.submit_export(resources, alice, scope, "geojson")
    assert "Waiting for a worker" in progress_html(export)
    run_export(ExportContext(resources, "w"), export.id)
    done = export_files.get_export(resources, alice, export.id)
    shown = progress_html(done)
    assert f'href="/api/v1/exports/{export.id}/file"' in shown
    assert f"{done.rows_total} buildings" in shown
    file = export_files.export_file(resources, alice, export.id)
    features = json.loads(b"".join(file.read(0, file.size_bytes)))["features"]
    centres = [sum(corner[0] for corner in one["geometry"]["coordinates"][0][:4]) / 4 for one in features]
    assert 0 < len(centres) == done.rows_total < 60
    assert max(centres) <= 10.05


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_went_wrong_is_a_sentence_and_never_markup(resources, alice):
    export = export_files.submit_export(resources, alice, FootprintQuery(job_id=finished_job(resources, alice)), "csv")
    scene_gone = FootprintQuery(job_id=None, bbox_deg=(10, 49, 11, 51))
    later = export_files.submit_export(resources, alice, scene_gone, "csv")
    with resources.database.write(SYSTEM) as session:
        session.execute(text("DELETE FROM building_footprints"))
    run_export(ExportContext(resources, "w"), later.id)
    shown = progress_html(export_files.get_export(resources, alice, later.id))
    assert "40 of 40 buildings were deleted" in shown
    assert "href" not in shown
    assert "href" not in progress_html(export)
    assert problem_html("<b>") == '<p class="bf-warn" role="alert">&lt;b&gt;</p>'
