"""Errors of listing and of editing buildings, and of retrying jobs."""

from webapp.errors import AppError


class CursorInvalid(AppError):
    """The cursor was not given by this server, or for another question."""

    code = "CursorInvalid"
    template = "The cursor cannot be used: {detail}. Begin at the first page."


class PreconditionMissing(AppError):
    """A change must name the version that it was made from."""

    code = "PreconditionMissing"
    template = "Send the ETag of the building that you changed as If-Match."


class VersionOutdated(AppError):
    """Somebody else has changed it since it was read."""

    code = "VersionOutdated"
    template = "Building {id} has been changed meanwhile; it is at version {version}, with the ETag {etag}."


class BuildingInUse(AppError):
    """A job that is not finished would store it again."""

    code = "BuildingInUse"
    template = "Building {id} belongs to a job that is not finished. Wait for it, or cancel it, or reject the building."


class JobNotRetryable(AppError):
    """Only a job that ended otherwise than well can be asked for again."""

    code = "JobNotRetryable"
    template = "Job {job_id} is {state}; only a job that failed, was cancelled or is dead can be retried."
