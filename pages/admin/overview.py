"""What the installation holds and does, and how its parts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages import formats
from pages.job_text import STATE_LABELS
from pages.markup import figures, pane
from pages.section import Words, section

if TYPE_CHECKING:
    from webapp.services.administration import Dashboard
    from webapp.services.health import Health

NO_JOBS = '<span class="bf-note">None yet.</span>'
PART_LABELS = {
    "database": "Database",
    "broker": "Broker",
    "worker": "Workers",
    "exporter": "Workers for exports",
    "disk": "Disk",
}


class Overview:
    """Shows; `words` says why there is nothing new."""

    def __init__(self) -> None:
        self.words = Words()
        self._figures, self._jobs, self._health = pane(), pane(), pane()
        self.views = [
            self.words.view,
            section("The installation", self._figures),
            section("Health", self._health),
            section("Jobs", self._jobs),
        ]

    def show(self, found: Dashboard) -> None:
        """Show these figures."""
        self.words.clear()
        self._figures.object = totals(found)
        self._jobs.object = jobs(found.jobs)
        self._health.object = health(found.health)


def totals(found: Dashboard) -> str:
    """Return the large figures as HTML."""
    shut_out = found.users - found.users_active
    accounts = formats.count(found.users_active) + (f" + {formats.count(shut_out)} shut out" if shut_out else "")
    return figures([
        ("accounts", accounts),
        ("jobs", formats.count(sum(found.jobs.values()))),
        ("footprints", formats.count(found.footprints)),
        (f"in {formats.count(found.files)} files", formats.size(found.stored_bytes)),
        ("workers", formats.count(found.workers)),
    ])  # fmt: skip


def jobs(counts: dict[str, int]) -> str:
    """Return how many jobs are in each state as HTML."""
    chips = "".join(
        f'<span class="bf-chip bf-{state}">{label} {formats.count(counts[state])}</span>'
        for state, label in STATE_LABELS.items()
        if counts.get(state)
    )
    everybody = '<a class="bf-link" href="/jobs">All jobs of everybody</a>'
    return f'<div class="bf-status">{chips or NO_JOBS}</div><div class="bf-links bf-gap">{everybody}</div>'


def health(found: Health) -> str:
    """Return how each part is as HTML."""
    rows = "".join(
        f"<li>{_chip(check.ok)}<b>{formats.text(PART_LABELS.get(name, name))}</b>"
        f"<span>{formats.text(check.detail)}</span></li>"
        for name, check in found.checks.items()
    )
    return f'<ul class="bf-parts">{rows}</ul>'


def _chip(works: bool) -> str:
    return f'<span class="bf-chip bf-{"succeeded" if works else "failed"}">{"Works" if works else "Fault"}</span>'
