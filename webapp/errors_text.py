"""The errors in words: what they say, and `docs/errors.md`, which is written from the code."""

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from processing.errors import ProcessingError
from webapp.errors import AppError
from webapp.http_status import status_of_kind

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
HEAD = """\
# Errors

Every error of the API is `application/problem+json` (RFC 9457) with a `code` that stays the same from version to
version; its sentence (`detail`) may change. `parameters` holds the values that the sentence names. The same codes stand
in `error_code` of jobs, imports and exports. Which of them an operation can answer with is in the OpenAPI document
(`/docs`, `/redoc`), as `x-error-codes` of each status. Answers with 429 and 503 say in `Retry-After` when to try again.

Beside these there are `MethodNotAllowed` (405, with the header `Allow`), `NotFound` (404) for an address that does not
exist, and `Unexpected` (500). A request whose fields break the schema gets `RequestInvalid`, with one line in
`parameters.errors` for each.

This page is written by `./run document-settings`.
"""


def error_kinds() -> list[Any]:
    """Return all classes of errors, by status and code."""
    found = {kind for base in (AppError, ProcessingError) for kind in _below(base)}
    return sorted((kind for kind in found if _is_public(kind)), key=lambda kind: (status_of_kind(kind), kind.code))


def sentence_of(kind: Any) -> str:
    """Return the sentence of a class of errors, with the names of its parameters in angle brackets."""
    parts = string.Formatter().parse(kind.template)
    return "".join(text + (f"<{name}>" if name else "") for text, name, _, _ in parts)


def meaning_of(kind: Any) -> str:
    """Return when this kind of error occurs."""
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def errors_page() -> str:
    """Return the text of the page."""
    rows = [f"| {status_of_kind(one)} | `{one.code}` | {_cell(one)} | {meaning_of(one)} |\n" for one in error_kinds()]
    return f"{HEAD}\n| status | code | what it says | when |\n|---|---|---|---|\n{''.join(rows)}"


def write_errors_page() -> None:
    """Write the page."""
    PAGE.write_text(errors_page())


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _is_public(kind: Any) -> bool:
    """Leave out what a module keeps to itself, and what tests make up."""
    return kind.__module__.startswith(("webapp.", "processing.")) and kind.__module__.endswith("errors")


def _cell(kind: Any) -> str:
    return sentence_of(kind).replace("|", "\\|").replace("<", "&lt;")
