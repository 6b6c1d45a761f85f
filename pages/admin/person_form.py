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
        self._name = text_field("User name", 200, 64)
        self._email = text_field("E-mail (if there is one)", 240, 254)
        self._role = choice("Role", ROLES, Role.USER, 160)
        self._button = pmui.Button(label="Make an account", variant="contained", margin=0, height=36,
                                   on_click=lambda _: self._ask())
        self.view = flowing(self._name, self._email, self._role, self._button)

    def busy(self, is_busy: bool) -> None:
        """Keep the button from being pressed twice."""
        self._button.loading = is_busy

    def clear(self) -> None:
        """Get ready for the next account."""
        self.busy(False)
        self._name.value = self._email.value = ""

    @property
    def username(self) -> str:
        """What was typed as a name."""
        return str(self._name.value_input or self._name.value)

    def _ask(self) -> None:
        self.busy(True)
        self._make(self.username, self._email.value_input or self._email.value, self._role.value)
