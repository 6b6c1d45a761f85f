"""The line in which an API key is asked for."""

from __future__ import annotations

from collections.abc import Callable

import panel_material_ui as pmui

from auth.principals import Principal, Scope
from pages.section import as_wide, choice, flowing, text_field
from webapp.services.api_keys import NAME_MAX_LENGTH

SCOPES = {"Read": Scope.READ, "Change": Scope.WRITE, "Administer": Scope.ADMIN}
LIVES = {"A month": 30.0, "3 months": 91.0, "A year": 365.0, "Until revoked": 0.0}

type MakeKey = Callable[[str, list[Scope], float | None], None]


class KeyForm:
    """Calls `make(name, scopes, life_days)`; a life of None has no end."""

    def __init__(self, principal: Principal, make: MakeKey) -> None:
        self._make = make
        # A press while one is being answered is ignored here. The button's own state would come to the browser by
        # another way than the answer, and a quick answer could overtake it.
        self._is_waiting = False
        offered = {label: scope for label, scope in SCOPES.items()
                   if scope is not Scope.ADMIN or principal.is_administrator}
        self._name = text_field("Name of the key", 230, NAME_MAX_LENGTH)
        self._scopes = pmui.CheckBoxGroup(options=offered, value=[Scope.READ], inline=True, margin=0,
                                          **as_wide(98 * len(offered)))
        self._life = choice("Works for", LIVES, 365.0, 150)
        button = pmui.Button(label="Make a key", variant="contained", margin=0, height=36,
                             on_click=lambda _: self._ask())
        self.view = flowing(self._name, self._life, self._scopes, button)

    def ready(self) -> None:
        """Take the next press: that of before is answered."""
        self._is_waiting = False

    def clear(self) -> None:
        """Get ready for the next key."""
        self.ready()
        self._name.param.update(value="", value_input="")

    def _ask(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        self._make(self._name.value_input or self._name.value, list(self._scopes.value), self._life.value or None)
