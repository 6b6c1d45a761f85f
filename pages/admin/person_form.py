"""The line in which a new account is described."""

from __future__ import annotations

from collections.abc import Callable

import panel_material_ui as pmui

from auth.principals import Role
from pages.admin.person_row import ROLES
from pages.section import choice, flowing, text_field


class PersonForm:
    """Calls `make(username, email, role)`."""

    def __init__(self, make: Callable[[str, str, Role], None]) -> None:
        self._make = make
        # A press while one is being answered is ignored here. The button's own state would come to the browser by
        # another way than the answer, and a quick answer could overtake it.
        self._is_waiting = False
        self._name = text_field("User name", 200, 64)
        self._email = text_field("E-mail (if there is one)", 240, 254)
        self._role = choice("Role", ROLES, Role.USER, 160)
        button = pmui.Button(label="Make an account", variant="contained", margin=0, height=36,
                             on_click=lambda _: self._ask())
        self.view = flowing(self._name, self._email, self._role, button)

    def ready(self) -> None:
        """Take the next press: that of before is answered."""
        self._is_waiting = False

    def clear(self) -> None:
        """Get ready for the next account."""
        self.ready()
        for one in (self._name, self._email):
            one.param.update(value="", value_input="")

    @property
    def username(self) -> str:
        """What was typed as a name."""
        return str(self._name.value_input or self._name.value)

    def _ask(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        self._make(self.username, self._email.value_input or self._email.value, self._role.value)
