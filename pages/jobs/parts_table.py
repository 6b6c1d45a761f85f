"""The parts of a job of a whole state: a line for each scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pages import formats
from pages.job_text import STATE_LABELS

if TYPE_CHECKING:
    from webapp.services.state_views import PartView

SHOWN_MAX = 200
URGENCY = {"failed": 0, "dead": 0, "running": 1, "cancelled": 2, "queued": 3, "succeeded": 4}


def parts_html(parts: Sequence[PartView]) -> str:
    """Return the parts as a list; what went wrong comes first, then what is at work."""
    ordered = sorted(parts, key=lambda part: URGENCY.get(part.state, 2))
    more = len(ordered) - SHOWN_MAX
    rest = f"<li><span>and {formats.count(more)} more</span></li>" if more > 0 else ""
    return f'<ul class="bf-state-parts">{"".join(map(_line, ordered[:SHOWN_MAX]))}{rest}</ul>'


def _line(part: PartView) -> str:
    label = formats.text(STATE_LABELS.get(part.state, part.state))
    return (
        f'<li data-part="{part.id}" data-state="{formats.text(part.state)}">'
        f'<span class="bf-chip bf-{formats.text(part.state)}">{label}</span><b>{formats.text(part.scene_name)}</b>'
        f"<span>{_words(part)}</span></li>"
    )


def _words(part: PartView) -> str:
    if part.error_message:
        return formats.text(part.error_message)
    windows = f"{formats.count(part.windows_done)} of {formats.count(part.windows_total)} windows"
    return windows if part.state != "succeeded" else f"{formats.count(part.footprint_count)} buildings"
