"""The form that changes the password. The browser sends it to the API: no password comes into the page's state."""

from __future__ import annotations

from collections.abc import Callable

import panel as pn
import param

from auth.passwords import PASSWORD_MIN_LENGTH
from pages.markup import ASSETS, stylesheet
from pages.session import Session


class PasswordForm(pn.custom.JSComponent):
    """Calls `on_changed()` when the new password holds."""

    username = param.String(default="", doc="For password managers.")
    csrf_token = param.String(default="", doc="Sent with the form.")
    min_length = param.Integer(default=PASSWORD_MIN_LENGTH, doc="Shorter passwords are refused.")

    _esm = ASSETS / "js" / "password_form.js"
    _stylesheets = [stylesheet("forms.css")]  # noqa: RUF012 (Panel's own name for it)

    def __init__(self, session: Session, on_changed: Callable[[], None]) -> None:
        super().__init__(
            username=session.principal.username,
            csrf_token=session.csrf_token,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._on_changed = on_changed

    def _handle_msg(self, data: str) -> None:
        self._on_changed()
