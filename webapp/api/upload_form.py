"""The multipart form of an upload, parsed as it streams by: one file and a few short fields, nothing kept in memory."""

from collections.abc import Callable
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from webapp.errors import MediaTypeNotAllowed, RequestInvalid
from webapp.services.uploads import ReceivedFile, Upload

FILE_FIELD = "file"
FIELD_BYTES = 256
ENVELOPE_BYTES = 65_536
"""What boundaries, headers and fields may add to the file."""


class UploadForm:
    """Takes the body in pieces. `begin` opens the upload for a file name; `fields` are the names allowed beside it."""

    def __init__(self, content_type: str, begin: Callable[[str], Upload], fields: frozenset[str]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            rule = "send multipart/form-data with a field 'file'"
            raise MediaTypeNotAllowed(header="Content-Type", value=content_type[:100] or "missing", rule=rule)
        self.values: dict[str, str] = {}
        self._begin = begin
        self._allowed = fields
        self._upload: Upload | None = None
        self._file_name = ""
        self._received: ReceivedFile | None = None
        self._complete = False
        self._name, self._text = "", bytearray()
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition = b""
        self._parser = MultipartParser(boundary, self._callbacks())

    @property
    def file_name(self) -> str:
        """What the person calls the file, as far as is known."""
        return self._file_name or "The file"

    def feed(self, chunk: bytes) -> None:
        """Take a piece. Raises `RequestInvalid` and what writing raises."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise RequestInvalid(detail=f"the form is malformed ({error})") from error

    def finish(self) -> ReceivedFile:
        """Return the file once the form is whole. Raises `RequestInvalid`."""
        if not self._complete:
            raise RequestInvalid(detail="the form ends before its last boundary; send the file again")
        if self._received is None:
            raise RequestInvalid(detail="the form has no field 'file' with a file in it")
        return self._received

    def abort(self) -> None:
        """Drop what has arrived."""
        if self._upload is not None:
            self._upload.abort()
        if self._received is not None:
            self._received.discard()

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._name, self._disposition = "", b""
        self._text.clear()

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == FILE_FIELD:
            if self._upload is not None:
                raise RequestInvalid(detail="send one file at a time")
            if b"filename" not in options:
                raise RequestInvalid(detail="the field 'file' must hold a file")
            self._file_name = options[b"filename"].decode("utf-8", "replace")
            self._upload = self._begin(self._file_name)
        elif self._name not in self._allowed or self._name in self.values:
            allowed = ", ".join(sorted(self._allowed))
            raise RequestInvalid(detail=f"unexpected field {self._name[:50]!r}; known fields are file, {allowed}")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE_FIELD and self._upload is not None:
            self._upload.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > FIELD_BYTES:
            raise RequestInvalid(detail=f"the field {self._name!r} is too long")

    def _on_part_end(self) -> None:
        if self._name == FILE_FIELD and self._upload is not None:
            self._received = self._upload.finish()
        else:
            self.values[self._name] = self._text.decode("utf-8", "replace").strip()

    def _on_end(self) -> None:
        self._complete = True
