"""What a page says about an import: what became of the rows of its file, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages import formats, job_text
from pages.markup import facts, figures

if TYPE_CHECKING:
    from webapp.services.views import ImportView

LEFT_OUT = {
    "no_geometry": "no geometry",
    "unreadable": "cannot be read",
    "not_a_polygon": "no polygon",
    "too_many_corners": "too many corners for a building",
    "outside_crs_area": "outside of where the coordinate system holds",
    "invalid": "crosses itself, and no repair keeps its area",
    "sliver": "smaller than half a square metre",
    "duplicate": "repeats an earlier row",
}
CHANGED = {
    "repaired": "outline repaired",
    "z_or_m_dropped": "heights or measures dropped",
    "cut_at_antimeridian": "cut in two at the antimeridian",
    "kept_in_several_parts": "one building in several parts",
    "confidence_not_used": "confidence is not between 0 and 1 and not used",
    "attributes_too_long": "attributes too long, left out",
}


def one_line(found: ImportView) -> str:
    """Return the main facts of a finished import in one line."""
    job, report = found.job, found.report
    words = job_text.outcome(job)
    return " · ".join((formats.text(words), formats.text(report["format"]), formats.when(job.created_at)))


def report_html(report: dict[str, Any]) -> str:
    """Return a report as HTML: the counts, what was read how, and the rules that met rows, with examples."""
    counts = figures([
        ("rows", formats.count(report["rows_read"])),
        ("buildings", formats.count(report["kept"])),
        ("left out", formats.count(report["refused_total"])),
    ])
    findings = _findings(report["refused"], LEFT_OUT, "left out") + _findings(report["changed"], CHANGED, "kept")
    note = report["crs_note"]
    warning = f'<p class="bf-note bf-warn">{formats.text(note)}</p>' if note else ""
    listed = f'<div class="bf-findings">{findings}</div>' if findings else ""
    return f'<div class="bf-report">{counts}{facts(_how(report))}{warning}{listed}</div>'


def _how(report: dict[str, Any]) -> list[tuple[str, str]]:
    columns = report["columns"]
    extra = ", ".join(report["extra_columns"]) or "none"
    return [
        ("Format", formats.text(report["format"])),
        ("Coordinate system", formats.text(report["crs"])),
        ("Roof area", formats.area(report["area_m2"])),
        ("Confidence from", formats.text(columns.get("confidence") or "no column: not stated")),
        ("Source's id from", formats.text(columns.get("source_id") or "no column")),
        ("Further columns", formats.text(extra)),
    ]


def _findings(found: dict[str, Any], words: dict[str, str], title: str) -> str:
    ordered = sorted(found.items(), key=lambda entry: -entry[1]["count"])
    return "".join(_finding(title, finding, words.get(rule, rule.replace("_", " "))) for rule, finding in ordered)


def _finding(title: str, finding: dict[str, Any], words: str) -> str:
    examples = "".join(
        f"<li><time>row {formats.count(example['row'])}</time><span>{formats.text(example['detail'])}</span></li>"
        for example in finding["examples"]
    )
    summary = f"<b>{formats.count(finding['count'])} {title}:</b> {words}"
    return f'<details><summary>{summary}</summary><ol class="bf-log">{examples}</ol></details>'
