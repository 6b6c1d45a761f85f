"""A secret that is shown once, with a button that copies it."""

from __future__ import annotations

import panel as pn
import param

from pages.markup import ASSETS, stylesheet


class SecretField(pn.custom.JSComponent):
    """Hidden until it holds a secret. What was shown leaves the page's state when it is hidden again."""

    words = param.String(default="", doc="What the secret is, and that it is shown once.")
    secret = param.String(default="", doc="Empty: nothing is shown.")

    _esm = ASSETS / "js" / "secret_field.js"
    _stylesheets = [stylesheet("forms.css")]  # noqa: RUF012 (Panel's own name for it)

    def __init__(self) -> None:
        super().__init__(sizing_mode="stretch_width", margin=0, visible=False)

    def show(self, words: str, secret: str) -> None:
        """Show a secret until the person hides it or the page is left."""
        self.param.update(words=words, secret=secret, visible=True)

    def hide(self) -> None:
        """Forget the secret."""
        self.param.update(words="", secret="", visible=False)

    def _handle_msg(self, data: str) -> None:
        self.hide()
