"""Errors of prepared exports and of downloading them."""

from webapp.errors import AppError


class ExportFailed(AppError):
    """There will be no file; `error_code` of the export says why."""

    code = "ExportFailed"
    template = "The export failed: {detail}"


class ExportLost(AppError):
    """The export is somebody else's by now, deleted, or finished: nothing may be written in its name."""

    code = "ExportLost"
    template = "Export {export_id} is no longer held by attempt {attempt}."


class ExportNotReady(AppError):
    """The file is not made yet."""

    code = "ExportNotReady"
    template = "The export is being prepared: {rows_done} of {rows_total} buildings. Try again in a moment."


class ExportOutdated(AppError):
    """Some of what the export was to hold was deleted before it was written."""

    code = "ExportOutdated"
    template = "{missing} of {rows_total} buildings were deleted before they were written. Ask for the export again."


class RangeNotSatisfiable(AppError):
    """The part of a file that was asked for lies beyond its end."""

    code = "RangeNotSatisfiable"
    template = "The file has {size_bytes} bytes; there is no such part of it."


class TooManyExports(AppError):
    """A person has as many unfinished exports as they may."""

    code = "TooManyExports"
    template = "You have {limit} exports that are not finished. Try again when one of them is, or delete one."
