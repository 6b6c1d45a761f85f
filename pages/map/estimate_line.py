"""The line under the button: what an extraction would take, or why it would be refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pages import formats
from pages.background import Background
from pages.map.store import MapStore
from pages.markup import pane

if TYPE_CHECKING:
    from shapely import Polygon

    from webapp.services.estimates import EstimateView

type Target = tuple[str, Polygon | None, str | None]


class EstimateLine:
    """Asks for an estimate of what would be extracted, and shows the newest."""

    def __init__(self, store: MapStore, background: Background) -> None:
        self.pane = pane(visible=False)
        self._store = store
        self._background = background
        self._target: Target | None = None

    def ask(self, target: Target | None) -> None:
        """Show what an extraction of a scene, or of a region (map metres) of it, would take; None: there is nothing."""
        if target != self._target:
            self._target = target
            self.pane.visible = False
            self.again()

    def again(self) -> None:
        """Ask anew: a job has begun or ended, so that less is left, or more is known."""
        target = self._target
        if target is not None:
            show, refuse = partial(self._show, target), partial(self._refuse, target)
            self._background.run("estimate", partial(self._store.estimate, *target), show, refuse)

    def _show(self, target: Target, found: EstimateView) -> None:
        self._put(target, estimate_words(found), "bf-note")

    def _refuse(self, target: Target, sentence: str) -> None:
        self._put(target, sentence, "bf-note bf-warn")

    def _put(self, target: Target, words: str, kind: str) -> None:
        if target == self._target:
            text = f'<p class="{kind}" data-estimate>{formats.text(words)}</p>'
            self.pane.param.update(object=text, visible=True)


def estimate_words(found: EstimateView) -> str:
    """Return what an extraction would take: windows, time, and the jobs left."""
    windows = f"{formats.count(found.windows)} window{'' if found.windows == 1 else 's'}"
    length = "under a minute" if found.work_s < 60 else f"about {formats.rough_duration(found.work_s)}"
    guess = "" if found.speed.jobs else " (default speed)"
    parts = [windows, length + guess]
    if found.jobs.limit is not None:
        parts.append(f"{found.jobs.left} of {found.jobs.limit} jobs left this hour")
    return " · ".join(parts)
