"""The line in which an API key is asked for."""

from __future__ import annotations

from collections.abc import Callable

import panel_material_ui as pmui

from auth.principals import Principal, Scope
from pages.section import flowing

SCOPES = {"Read": Scope.READ, "Change": Scope.WRITE, "Administer": Scope.ADMIN}
LIVES = {"A month": 30.0, "3 months": 91.0, "A year": 365.0, "Until revoked": 0.0}

type MakeKey = Callable[[str, list[Scope], float | None], None]


class KeyForm:
    """Calls `make(name, scopes, life_days)`; a life of None has no end."""

    def __init__(self, principal: Principal, make: MakeKey) -> None:
        self._make = make
        offered = {label: scope for label, scope in SCOPES.items()
                   if scope is not Scope.ADMIN or principal.is_administrator}
        self._name = pmui.TextInput(label="Name of the key", placeholder="QGIS at work", size="small", margin=0,
                                    width=230, max_length=100)
        self._scopes = pmui.CheckBoxGroup(options=offered, value=[Scope.READ], inline=True, margin=0)
        self._life = pmui.Select(label="Works for", options=LIVES, value=365.0, size="small", margin=0, width=150)
        self._button = pmui.Button(label="Make a key", variant="contained", margin=0, height=36,
                                   on_click=lambda _: self._ask())
        self.view = flowing(self._name, self._life, self._scopes, self._button)

    def busy(self, is_busy: bool) -> None:
        """Keep the button from being pressed twice."""
        self._button.loading = is_busy

    def clear(self) -> None:
        """Get ready for the next key."""
        self.busy(False)
        self._name.value = ""

    def _ask(self) -> None:
        self.busy(True)
        self._make(self._name.value_input or self._name.value, list(self._scopes.value), self._life.value or None)
