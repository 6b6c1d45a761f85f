"""An export that was asked for and written, by the real steps."""

from auth.principals import Principal
from models.export import ExportState
from webapp.resources import Resources
from webapp.services.export_files import ExportView, get_export, submit_export
from webapp.services.footprints import FootprintQuery
from webapp.tasks.exporting import ExportContext, run_export


def made_export(resources: Resources, principal: Principal, job_id: str, format: str = "geojson") -> ExportView:
    export = submit_export(resources, principal, FootprintQuery(job_id=job_id), format)
    assert run_export(ExportContext(resources, "tester"), export.id) is ExportState.SUCCEEDED
    return get_export(resources, principal, export.id)
