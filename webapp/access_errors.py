"""Errors of getting in at all: from where, and with what."""

from webapp.errors import AppError


class AddressNotAllowed(AppError):
    """The installation, or a part of it, answers certain networks alone."""

    code = "AddressNotAllowed"
    template = "Requests from {address} are not answered here."


class DownloadLinkInvalid(AppError):
    """A signed link that is no more, or never was: which of these, strangers are not told."""

    code = "DownloadLinkInvalid"
    template = "This link does not work (any more). Ask whoever gave it to you for another."
