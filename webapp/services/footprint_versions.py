"""Versions of footprints as HTTP names them: strong entity tags (RFC 9110, 8.8.3 and 13.1)."""

from webapp.building_errors import PreconditionMissing, VersionOutdated


def tag_of(footprint_id: int, version: int) -> str:
    """Return the entity tag of a version, with its quotation marks."""
    return f'"{footprint_id}-{version}"'


def require_match(if_match: str | None, footprint_id: int, version: int, *, is_needed: bool) -> None:
    """Go on only where `If-Match` lists the present version; `*` lists any. A weak tag matches none.

    Raises `PreconditionMissing` where the header is needed, `VersionOutdated`.
    """
    if if_match is None:
        if is_needed:
            raise PreconditionMissing()
        return
    present = tag_of(footprint_id, version)
    if not {tag.strip() for tag in if_match.split(",")} & {present, "*"}:
        raise VersionOutdated(id=footprint_id, version=version, etag=present)


def is_known(if_none_match: str | None, footprint_id: int, version: int) -> bool:
    """Tell whether the asker has this version already; weakly compared."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return bool(tags & {tag_of(footprint_id, version), "*"})
