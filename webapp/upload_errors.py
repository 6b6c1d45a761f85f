"""Errors of uploads that arrive in pieces."""

from webapp.errors import AppError


class UploadBusy(AppError):
    """Somebody is writing to it."""

    code = "UploadBusy"
    template = "{name} is just being received over another connection. Try again in a moment."


class UploadOffsetWrong(AppError):
    """The piece does not follow what is there."""

    code = "UploadOffsetWrong"
    template = "{name} goes on at byte {offset_bytes}, not at {given_bytes}."


class UploadClosed(AppError):
    """The file was received and judged; nothing can be added."""

    code = "UploadClosed"
    template = "{name} has been received; it is {state}."


class TooManyUploads(AppError):
    """A person has as many uploads under way as they may."""

    code = "TooManyUploads"
    template = "You have {limit} uploads under way. Finish or delete one of them."


class ChecksumWrong(AppError):
    """The piece that arrived is not the one that was sent."""

    code = "ChecksumWrong"
    template = "A piece of {name} was damaged on its way. Send it again from byte {offset_bytes}."


class ProtocolVersionUnknown(AppError):
    """The client speaks another version of the protocol."""

    code = "ProtocolVersionUnknown"
    template = "This server speaks tus {known}, not {given}."
