"""Downloads as plain links to the export route: the browser streams them to disk, the websocket carries none."""

from __future__ import annotations

from urllib.parse import urlencode

from pages.projection import Bounds

BUTTONS = (("geojson", "GeoJSON"), ("shapefile", "Shapefile"), ("csv", "CSV"), ("kml", "KML"))
MORE = (("gpkg", "GeoPackage"), ("parquet", "GeoParquet"))


def export_url(job_id: str, name: str, bbox_deg: Bounds | None = None, min_confidence: float | None = None) -> str:
    """Return the address of an export of a job, of all of it or of what lies in `bbox_deg`."""
    query: dict[str, str] = {"job_id": job_id, "format": name}
    if bbox_deg is not None:
        query["bbox"] = ",".join(f"{degrees:.7f}" for degrees in bbox_deg)
    if min_confidence:
        query["min_confidence"] = f"{min_confidence:.2f}"
    return f"/api/v1/buildings/export?{urlencode(query, safe=',')}"


def export_links(job_id: str | None, bbox_deg: Bounds | None = None, min_confidence: float | None = None) -> str:
    """Return the export buttons as HTML; without a job they are shown, but lead nowhere."""

    def link(name: str, label: str) -> str:
        if job_id is None:
            return f'<span class="bf-link bf-off" aria-disabled="true">{label}</span>'
        url = export_url(job_id, name, bbox_deg, min_confidence).replace("&", "&amp;")
        return f'<a class="bf-link" data-format="{name}" href="{url}" download>{label}</a>'

    buttons = "".join(link(*entry) for entry in BUTTONS)
    more = "".join(link(*entry) for entry in MORE)
    menu = f'<details class="bf-more"><summary class="bf-link">More</summary><div>{more}</div></details>'
    return f'<div class="bf-links">{buttons}{menu}</div>'
