"""Errors of OGC API Features: what the standard answers with 400 where the rest of the API says 422."""

from webapp.errors import AppError


class QueryInvalid(AppError):
    """A parameter is unknown, or has a value that cannot be used."""

    code = "QueryInvalid"
    template = "The query cannot be used: {detail}."


class FilterInvalid(AppError):
    """The filter is no CQL2, or asks for more than can be answered."""

    code = "FilterInvalid"
    template = "The filter cannot be used: {detail}."


class CrsUnknown(AppError):
    """A coordinate reference system that is not offered."""

    code = "CrsUnknown"
    template = "{parameter} {value} is not offered; use one of {allowed}."
