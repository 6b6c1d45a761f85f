"""The Celery worker of exports: `celery -A webapp.exporter:app worker -Q exports`.

It loads neither detector nor data frames: what it holds before its first row counts in the memory of every export.
"""

from webapp.lean_process import keep_lean
from webapp.queue import EXPORT_TASK
from webapp.tasks.exporting import ExportContext, run_export
from webapp.worker_process import app, process_name, resources, shutdown

keep_lean()


@app.task(name=EXPORT_TASK)
def write_export(export_id: str) -> None:
    """Write the file of an export. The message holds its id alone, may come twice, and may come late."""
    run_export(ExportContext(resources(), process_name(), shutdown.is_set), export_id)
