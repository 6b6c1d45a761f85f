"""Downloads as plain links to the export route: the browser streams them to disk, the websocket carries none."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from pages.projection import Bounds
from webapp.services.footprints import FootprintQuery

BUTTONS = (("geojson", "GeoJSON"), ("shapefile", "Shapefile"), ("csv", "CSV"), ("kml", "KML"))
MORE = (("gpkg", "GeoPackage"), ("parquet", "GeoParquet"))


def export_url(name: str, query: FootprintQuery, view_deg: Bounds | None = None, region: str | None = None) -> str:
    """Return the address of an export of what a query means, or of what of it a view or a region (WKT) shows."""
    fields = footprint_fields(query, region)
    if view_deg is not None:
        fields["view"] = ",".join(f"{degrees:.7f}" for degrees in view_deg)
    return f"/api/v1/buildings/export?{urlencode({**fields, 'format': name}, safe=',')}"


def footprint_fields(query: FootprintQuery, region: str | None = None) -> dict[str, str]:
    """Return a query, and a region as WKT in degrees, as the fields of an address, as tiles and exports take them."""
    numbers = {
        "min_confidence": query.min_confidence, "max_confidence": query.max_confidence,
        "min_area_m2": query.min_area_m2, "max_area_m2": query.max_area_m2,
    }  # fmt: skip
    names = {"job_id": query.job_id, "scene_id": query.scene_id, "region": region}
    times = {"created_from": query.created_from_s, "created_to": query.created_to_s}
    fields = {name: value for name, value in names.items() if value is not None}
    fields |= {name: f"{value:.6g}" for name, value in numbers.items() if value is not None}
    fields |= {name: _moment(value) for name, value in times.items() if value is not None}
    if query.review_states is not None:
        fields["review"] = ",".join(sorted(query.review_states))
    return fields


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().replace("+00:00", "Z")


def export_links(query: FootprintQuery | None, view_deg: Bounds | None = None, region: str | None = None) -> str:
    """Return the export buttons as HTML; without a query they are shown, but lead nowhere."""

    def link(name: str, label: str) -> str:
        if query is None:
            return f'<span class="bf-link bf-off" aria-disabled="true">{label}</span>'
        url = export_url(name, query, view_deg, region).replace("&", "&amp;")
        return f'<a class="bf-link" data-format="{name}" href="{url}" download>{label}</a>'

    buttons = "".join(link(*entry) for entry in BUTTONS)
    more = "".join(link(*entry) for entry in MORE)
    menu = f'<details class="bf-more"><summary class="bf-link">More</summary><div>{more}</div></details>'
    return f'<div class="bf-links">{buttons}{menu}</div>'
