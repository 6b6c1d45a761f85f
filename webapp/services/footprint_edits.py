"""Single footprints: looking at one, changing it, removing it. Whoever changes one says which version they saw."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping
from sqlalchemy import Row
from sqlalchemy.orm import Session

from auth.principals import Principal
from models.footprint import ReviewState
from models.footprint_writes import FootprintSource, change_footprint, delete_footprint, envelopes_deg
from models.job import JobKind
from models.queries import footprint_detail as queries
from processing.drawn_footprint import DrawnFootprint, read_drawn
from webapp.building_errors import BuildingInUse
from webapp.errors import NotFound, RequestInvalid
from webapp.resources import Resources
from webapp.services import audit
from webapp.services.audit import Act
from webapp.services.footprint_versions import require_match, tag_of
from webapp.services.views import to_datetime

EDITED = "edited"
EDITABLE = ("geometry", "review_state", "source_id", "attributes")
ATTRIBUTES_MAX_CHARACTERS = 65_536
SOURCE_ID_MAX_CHARACTERS = 1_000
SHORT_HASH = 12


@dataclass(frozen=True)
class FootprintDetail:
    """All of a footprint. Geometries are GeoJSON in EPSG:4326."""

    id: int
    version: int
    geojson: dict[str, Any]
    properties: dict[str, Any]
    _raw_wkb: bytes | None = field(default=None, repr=False)

    @property
    def raw_geojson(self) -> dict[str, Any] | None:
        """The outline before it was straightened or edited, None where it never was; few ask for it."""
        return None if self._raw_wkb is None else _geojson(self._raw_wkb)

    @property
    def etag(self) -> str:
        """Names this version."""
        return tag_of(self.id, self.version)


@dataclass(frozen=True)
class Target:
    """The footprint that is meant, and the `If-Match` of the request; None: there was none."""

    footprint_id: int
    if_match: str | None = None


def get_footprint(resources: Resources, principal: Principal, footprint_id: int) -> FootprintDetail:
    """Return one footprint. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        return _detail(_found(queries.find_footprint(session, footprint_id, principal.owner_filter), footprint_id))


def edit_footprint(
    resources: Resources, principal: Principal, target: Target, changes: Mapping[str, Any]
) -> FootprintDetail:
    """Change some of `EDITABLE`; what is as it was already makes no new version. All or nothing.

    A changed outline is measured anew, and the first one is kept as the raw geometry.
    Raises `NotFound`, `PreconditionMissing`, `VersionOutdated`, `FootprintInvalid`, `RequestInvalid`.
    """
    values = _checked(changes)
    with resources.database.write(principal) as session:
        row = _locked(session, principal, target.footprint_id)
        require_match(target.if_match, row.id, row.version, is_needed=True)
        changed = _changed(row, values)
        if changed:
            change_footprint(session, _source(row), row.id, changed)
            detail = {"fields": sorted(values), "from_version": row.version, "job_id": row.job_id}
            audit.note(session, principal, Act("building.edited", "building", str(row.id), detail))
        return _detail(_locked(session, principal, target.footprint_id))


def remove_footprint(resources: Resources, principal: Principal, target: Target) -> None:
    """Remove one footprint for good. Raises `NotFound`, `VersionOutdated`, `BuildingInUse`.

    A job that is not finished may come to store its parts again, with what was removed in them.
    """
    with resources.database.write(principal) as session:
        row = _locked(session, principal, target.footprint_id)
        require_match(target.if_match, row.id, row.version, is_needed=False)
        if row.job_finished_at is None:
            raise BuildingInUse(id=row.id)
        delete_footprint(session, _source(row), row.id)
        detail = {"version": row.version, "job_id": row.job_id, "area_m2": row.area_m2}
        audit.note(session, principal, Act("building.deleted", "building", str(row.id), detail))


def _locked(session: Session, principal: Principal, footprint_id: int) -> Row[Any]:
    return _found(queries.lock_footprint(session, footprint_id, principal.owner_filter), footprint_id)


def _found(row: Row[Any] | None, footprint_id: int) -> Row[Any]:
    if row is None:
        raise NotFound(kind="building", id=footprint_id)
    return row


def _source(row: Row[Any]) -> FootprintSource:
    return FootprintSource(row.job_id, row.scene_id, row.owner_id)


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for in the form that is stored; the outline as it was drawn."""
    if not changes:
        raise RequestInvalid(detail=f"give at least one of {', '.join(EDITABLE)}")
    checks = {"geometry": _drawn, "review_state": _review_state, "source_id": _source_id, "attributes": _attributes}
    return {name: checks[name](value) for name, value in changes.items()}


def _drawn(value: Any) -> DrawnFootprint:
    if not isinstance(value, Mapping):
        raise RequestInvalid(detail="geometry must be a GeoJSON geometry")
    return read_drawn(value)


def _review_state(value: Any) -> str:
    if value not in set(ReviewState):
        raise RequestInvalid(detail=f"review_state must be one of {', '.join(ReviewState)}")
    return str(value)


def _source_id(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > SOURCE_ID_MAX_CHARACTERS or "\0" in value):
        raise RequestInvalid(detail=f"source_id must be a text of at most {SOURCE_ID_MAX_CHARACTERS} characters")
    return value


def _attributes(value: Any) -> str | None:
    if not value:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise RequestInvalid(detail="attributes must be plain JSON") from error
    if len(text) > ATTRIBUTES_MAX_CHARACTERS:
        raise RequestInvalid(detail=f"attributes are longer than {ATTRIBUTES_MAX_CHARACTERS} characters")
    return text


def _changed(row: Row[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that become different."""
    imported_only = sorted({"source_id", "attributes"} & values.keys())
    if imported_only and row.job_kind != JobKind.IMPORT:
        raise RequestInvalid(detail=f"only an imported building has {' and '.join(imported_only)}")
    plain = {name: value for name, value in values.items() if name != "geometry" and value != getattr(row, name)}
    drawn = values.get("geometry")
    return plain if drawn is None else plain | _outline(row, drawn)


def _outline(row: Row[Any], drawn: DrawnFootprint) -> dict[str, Any]:
    before = shapely.from_wkb(row.geometry)
    if shapely.equals_exact(shapely.normalize(before), shapely.normalize(drawn.shape)):
        return {}
    envelope = envelopes_deg(np.array([drawn.shape], object))[0].tolist()
    return {
        "geometry": shapely.to_wkb(drawn.shape),
        "raw_geometry": row.geometry if row.raw_geometry is None else row.raw_geometry,
        "area_m2": drawn.area_m2,
        "reg_method": EDITED,
        "reg_status": EDITED,
        "reg_iou": None,
        **dict(zip(("min_lon", "min_lat", "max_lon", "max_lat"), envelope, strict=True)),
    }


def _detail(row: Row[Any]) -> FootprintDetail:
    return FootprintDetail(
        id=row.id,
        version=row.version,
        geojson=_geojson(row.geometry),
        properties=_properties(row, to_datetime(row.created_at)),
        _raw_wkb=row.raw_geometry,
    )


def _geojson(wkb: bytes) -> dict[str, Any]:
    """RFC 7946 wants outer rings counter-clockwise."""
    return dict(mapping(shapely.orient_polygons(shapely.from_wkb(wkb))))


def _properties(row: Row[Any], created_at: datetime) -> dict[str, Any]:
    names = ("version", "job_id", "scene_id", "scene_name", "file_name", "area_m2", "confidence", "reg_method")
    more = ("reg_iou", "reg_status", "review_state", "gsd_m", "source_id", "source_name")
    sha256 = None if row.weights_sha256 is None else row.weights_sha256[:SHORT_HASH]
    return {name: getattr(row, name) for name in names + more} | {
        "created_at": created_at.isoformat(),
        "weights": row.weights_name,
        "weights_sha256": sha256,
        "attributes": json.loads(row.attributes) if row.attributes else {},
        "job_url": f"/api/v1/jobs/{row.job_id}",
    }
