"""The worker's side of an import: batches are stored out of sight, and one last transaction shows them all.

As long as the job has not succeeded, its footprints are in no answer (`models.footprint.is_published`) and not in the
change feed. Each batch and its entry among the job's parts come with one commit, so a later attempt stores only those
that are missing. What an import that ended otherwise has left is removed by `webapp.services.import_leftovers`.
"""

import json
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.base import now_s
from models.footprint_writes import StoredBatch, note_stored, stage_footprints
from models.job import JobPart
from models.job_moves import Move, move_jobs
from models.job_states import JobState
from processing.ingest.report import IngestReport
from webapp.errors import ImportDiffers
from webapp.resources import Resources
from webapp.services.claims import Beat, Claim
from webapp.services.leases import is_held, progress, require_held, touch

AS_IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Some rows of a file that were read. `footprints` as `processing.ingest.reading` gives them."""

    number: int
    rows_read: int
    """Of the whole file, with this batch."""
    footprints: gpd.GeoDataFrame


def stored_batches(resources: Resources, claim: Claim) -> frozenset[int]:
    """Return the numbers of the batches that earlier attempts have stored."""
    with resources.database.read(SYSTEM) as session:
        return frozenset(session.scalars(select(JobPart.part).where(JobPart.job_id == claim.job_id)))


def save_batch(resources: Resources, claim: Claim, batch: ReadBatch) -> Beat:
    """Store a batch out of sight, with the progress, all or nothing. Raises `LeaseLost`."""
    lease_until = now_s() + resources.settings.lease_s
    with resources.database.write(SYSTEM) as session:
        beat = touch(session, claim, lease_until=lease_until, **progress(batch.rows_read))
        require_held(beat, claim)
        staged = stage_footprints(session, claim.source, _as_stored(batch.footprints))
        payload = json.dumps([staged.change_key, staged.footprints]).encode()
        session.execute(insert(JobPart).values(job_id=claim.job_id, part=batch.number, payload=payload))
    return beat


def publish(resources: Resources, claim: Claim, report: IngestReport) -> JobState:
    """End the job as succeeded, with which all its footprints are seen at once. Raises `LeaseLost`, `ImportDiffers`.

    Where a person asked to cancel before, nothing is shown, and the job ends as cancelled.
    """
    with resources.database.write(SYSTEM) as session:
        beat = touch(session, claim, import_report=report.to_json())
        require_held(beat, claim)
        if beat.cancel_requested:
            move_jobs(session, Move(JobState.CANCELLED, text="Cancelled; nothing was imported."), is_held(claim))
            return JobState.CANCELLED
        batches = _batches_of(session, claim.job_id)
        number = sum(batch.footprints for batch in batches)
        if number != report.kept:
            raise ImportDiffers(name=claim.file_name, kept=report.kept, stored=number)
        for batch in batches:
            note_stored(session, claim.source, batch)
        move = Move(
            JobState.SUCCEEDED,
            text=f"Imported {number} buildings, {report.area_m2:,.0f} m² in all; left out {report.refused_total} rows.",
            values=(("footprint_count", number), ("windows_done", report.rows_read)),
        )
        move_jobs(session, move, is_held(claim))
    return JobState.SUCCEEDED


def _batches_of(session: Session, job_id: str) -> list[StoredBatch]:
    payloads = session.scalars(select(JobPart.payload).where(JobPart.job_id == job_id).order_by(JobPart.part))
    return [StoredBatch(*json.loads(bytes(payload))) for payload in payloads]


def _as_stored(read: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return footprints with the columns that are stored. The row in the file names each, so that it comes once."""
    nothing = np.full(len(read), None, object)
    return read.assign(
        footprint_key=[f"row-{row}" for row in read["source_row"]],
        raw_geometry=gpd.GeoSeries(nothing, index=read.index, crs=read.crs),
        reg_method=AS_IMPORTED,
        reg_iou=np.nan,
        reg_status=AS_IMPORTED,
    )
