"""The place where a file is dropped. The browser sends it by plain HTTP; here only the new id arrives."""

from collections.abc import Callable

import panel as pn
import param

from pages.markup import ASSETS, stylesheet


class DropZone(pn.custom.JSComponent):
    """Calls `on_arrived(kind, id)` when a file has been received, checked and kept; `kind`: scene or import."""

    csrf_token = param.String(default="", doc="Sent with the upload.")
    limit_bytes = param.Integer(default=0, doc="Largest file that the server takes.")

    _esm = ASSETS / "js" / "upload_drop.js"
    _stylesheets = [stylesheet("upload.css")]  # noqa: RUF012 (Panel's own name for it)

    def __init__(self, on_arrived: Callable[[str, str], None], csrf_token: str, limit_bytes: int) -> None:
        super().__init__(csrf_token=csrf_token, limit_bytes=limit_bytes, sizing_mode="stretch_width", margin=0)
        self._on_arrived = on_arrived

    def _handle_msg(self, data: dict[str, str]) -> None:
        self._on_arrived(str(data["kind"]), str(data["id"]))
