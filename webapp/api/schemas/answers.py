"""Answers that are no JSON, as the OpenAPI document describes them."""

from typing import Any

from fastapi.responses import JSONResponse

from processing.exports.formats import FORMATS
from processing.footprint_index.mvt_writing import MEDIA_TYPE as MVT

Answers = dict[int | str, dict[str, Any]]

GEOJSON = "application/geo+json"
PNG = "image/png"
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
TEXT: dict[str, Any] = {"schema": {"type": "string"}}
NOT_MODIFIED: Answers = {304: {"description": "What `If-None-Match` names is still as it is"}}
PICTURE: Answers = {200: {"description": "A picture", "content": {PNG: BINARY}}} | NOT_MODIFIED
VECTOR_TILE: Answers = {
    200: {"description": "A Mapbox Vector Tile; no bytes where there is nothing", "content": {MVT: BINARY}}
} | NOT_MODIFIED
FILE: Answers = {
    200: {"description": "The file", "content": {"*/*": BINARY}},
    206: {"description": "The part that `Range` asks for", "content": {"*/*": BINARY}},
} | NOT_MODIFIED
EXPORT: Answers = {
    200: {
        "description": f"The footprints, as a file: {', '.join(one.media_type for one in FORMATS.values())}",
        "content": {"*/*": BINARY},
    }
}
LIST: Answers = {200: {"content": {FORMATS[name].media_type.partition(";")[0]: TEXT for name in ("geojsonseq", "csv")}}}


class GeoJsonResponse(JSONResponse):
    """A body that is GeoJSON text already."""

    media_type = GEOJSON

    def render(self, content: Any) -> bytes:
        """Return the text as it is."""
        return bytes(content) if isinstance(content, bytes) else str(content).encode()
