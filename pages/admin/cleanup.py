"""Clearing up: a preview first, and only what was previewed is offered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel_material_ui as pmui

from pages import formats
from pages.admin.store import AdminStore
from pages.background import Background
from pages.markup import pane
from pages.question import Question
from pages.section import Words, choice, flowing, section

if TYPE_CHECKING:
    from webapp.services.maintenance import Cleaned

AGES = {"a week": 7.0, "a month": 30.0, "3 months": 91.0, "a year": 365.0, "2 years": 730.0}
WHAT = (
    '<p class="bf-note">Removes jobs that ended longer ago, with their footprints, exports whose time is over, and '
    "stored files that nothing points to. Scenes stay. What is removed is gone for good.</p>"
)
SETTINGS = "the settings say ({words})"


class Cleanup:
    """The part of the page about clearing up. `retention_days` is what the settings say; 0: no job ever goes."""

    def __init__(self, store: AdminStore, background: Background, retention_days: float) -> None:
        self._store, self._background = store, background
        by_settings = SETTINGS.format(words=f"{retention_days:g} days" if retention_days else "jobs are kept")
        self._words, self._question = Words(), Question()
        self._age = choice("Jobs older than", AGES | {by_settings: 0.0}, 365.0, 260)
        self._age.param.watch(lambda _: self._forget(), "value")
        preview = pmui.Button(label="Preview", variant="outlined", margin=0, height=36,
                              on_click=lambda _: background.soon(self._look))
        self._remove = pmui.Button(label="Remove", variant="contained", color="error", margin=0, height=36,
                                   visible=False)
        self._remove.on_click(lambda _: self._ask())
        self._found = ""
        self.views = [section("Clean-up", pane(WHAT), flowing(self._age, preview, self._remove),
                              self._words.view, self._question.view)]

    def _run(self, preview: bool) -> None:
        work = partial(self._store.clean, self._age.value or None, preview)
        self._background.run("cleanup", work, self._previewed if preview else self._removed, self._refuse)

    def _look(self) -> None:
        self._words.say("Looking …")
        self._run(preview=True)

    def _previewed(self, found: Cleaned) -> None:
        self._found = counted(found)
        anything = bool(found.jobs or found.files)
        self._words.say(f"This would remove {self._found}." if anything else "There is nothing to remove.")
        self._remove.visible = anything

    def _ask(self) -> None:
        go = partial(self._background.soon, self._go)
        self._question.ask("Remove this for good?", f"{self._found} go.".capitalize(), "Remove", go)

    def _go(self) -> None:
        self._remove.visible = False
        self._words.say("Removing …")
        self._run(preview=False)

    def _removed(self, cleaned: Cleaned) -> None:
        self._words.say(f"Removed {counted(cleaned)}.")

    def _refuse(self, sentence: str) -> None:
        self._words.refuse(sentence)

    def _forget(self) -> None:
        self._remove.visible = False
        self._words.clear()


def counted(cleaned: Cleaned) -> str:
    """Return what goes, or went, in words."""
    jobs = f"{formats.count(cleaned.jobs)} job{'' if cleaned.jobs == 1 else 's'}"
    buildings = f"{formats.count(cleaned.footprints)} footprint{'' if cleaned.footprints == 1 else 's'}"
    files = f"{formats.count(cleaned.files)} file{'' if cleaned.files == 1 else 's'}"
    exports = f"{formats.count(cleaned.exports)} expired export{'' if cleaned.exports == 1 else 's'}"
    return f"{jobs} with {buildings}, {exports} and {files} that nothing points to"
