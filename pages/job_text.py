"""What a page says about a job: its state, how far it is, how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pages import formats

if TYPE_CHECKING:
    from webapp.services.views import JobView

ACTIVE_STATES = frozenset({"queued", "running"})
STATE_LABELS = {
    "queued": "Waiting",
    "running": "Running",
    "succeeded": "Finished",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "dead": "Given up",
}


def is_active(job: JobView) -> bool:
    """Tell whether the job may still change."""
    return job.state in ACTIVE_STATES


def chip(job: JobView) -> str:
    """Return the job's state as a coloured label."""
    label = "Cancelling" if is_active(job) and job.cancel_requested else STATE_LABELS.get(job.state, job.state)
    return f'<span class="bf-chip bf-{formats.text(job.state)}">{formats.text(label)}</span>'


def seconds_taken(job: JobView) -> float | None:
    """Return how long the job has been running, or ran; None before it starts."""
    if job.started_at is None:
        return None
    return ((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds()


def progress(job: JobView) -> str:
    """Return how far an active job is, in words."""
    if job.cancel_requested:
        return "Stopping" if job.is_import else "Stopping after the window in hand"
    if job.is_state and job.state == "queued":
        return f"Waiting for a free worker · {scenes_done(job)}"
    if job.state == "queued":
        return "Waiting for a free worker" if job.attempt == 0 else "Waiting to be taken up again"
    if not job.windows_total:
        return "Reading the scene"
    words = f"{done(job)} · {scenes_done(job)}" if job.is_state else done(job)
    return words if job.eta_s is None else f"{words} · about {formats.duration(job.eta_s)} left"


def done(job: JobView) -> str:
    """Return how much of the work is done: windows of a scene, rows of a file."""
    unit = "rows" if job.is_import else "windows"
    return f"{formats.count(job.windows_done)} of {formats.count(job.windows_total)} {unit}"


def scenes_done(job: JobView) -> str:
    """Return how many of the scenes of a whole state are done."""
    return f"{formats.count(job.parts_ended)} of {scenes(job.parts_total)}"


def scenes(number: int) -> str:
    """Return a number of scenes with its noun."""
    return "1 scene" if number == 1 else f"{formats.count(number)} scenes"


def outcome(job: JobView) -> str:
    """Return how a job ended, in words; of one that failed, its error."""
    if job.state == "succeeded":
        if job.is_import:
            return f"{buildings(job.footprint_count)} imported"
        return f"{buildings(job.footprint_count)} found in {formats.duration(seconds_taken(job) or 0)}"
    if job.state == "cancelled":
        if job.is_import:
            return "Cancelled; nothing imported"
        return f"Cancelled; {buildings(job.footprint_count)} kept"
    return job.error_message or "It ended without a reason."


def buildings(number: int) -> str:
    """Return a number of buildings with its noun."""
    return "1 building" if number == 1 else f"{formats.count(number)} buildings"


def scope(job: JobView) -> str:
    """Return what part of the scene a job covers, or that it is an import."""
    if job.is_import:
        return "import"
    if job.is_state:
        return f"whole state, {scenes(job.parts_total)}"
    return "drawn region" if job.aoi_geojson else "whole scene"


def choice_label(job: JobView) -> str:
    """Return the name of a job in a list of the jobs of one scene; it stays the same while the job goes on."""
    return f"{formats.when(job.created_at)} · {scope(job)}"
