"""A page of pictures that shows what the measures mean: static HTML, nothing loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from processing.training.cross_fitting import Measured
from processing.training.evaluation_pictures import LABEL, MISSED, RIGHT, WRONG, Chosen, choose_windows, draw_window

KINDS = {"best": "Best", "typical": "Typical", "worst": "Worst"}
STYLE = Path(__file__).with_name("evaluation_page.css")
CHART_PX = 220
MARGIN_PX = 28


def write_page(folder: Path, report: Mapping[str, Any], measured: Measured) -> Path:
    """Write `index.html` and its pictures into `folder`; return the page, which is written last."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    threshold = float(report["threshold"])
    sections = []
    for number, (name, windows) in enumerate(measured.items()):
        chosen = choose_windows(windows, threshold)
        figures = []
        for place, entry in enumerate(chosen):
            file = f"pictures/{number}-{place}-{entry.kind}.webp"
            picture, size = draw_window(entry.window, threshold)
            (folder / file).write_bytes(picture)
            figures.append(_figure(entry, file, size))
        sections.append(_section(name, report["sources"][name], figures))
    page = folder / "index.html"
    part = folder / ".index.part"
    part.write_text(_page(report, sections), encoding="utf-8")
    part.replace(page)
    return page


def _page(report: Mapping[str, Any], sections: Sequence[str]) -> str:
    title = f"Evaluation of {escape(report['weights'])}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE.read_text(encoding="utf-8")}</style></head><body><main>
<h1>{title}</h1>
<p class="lead">Confidence of {report["threshold"]:.2f} and above. A building counts as found where outlines overlap
with an IoU of at least 0.5. Weights <code>{escape(report["weights_sha256"][:12])}</code>{_every(report)}</p>
{_table(report)}
<div class="charts">{_reliability(report["reliability"])}{_trade_off(report["expected"])}</div>
{_legend()}
{"".join(sections)}
</main></body></html>
"""


def _every(report: Mapping[str, Any]) -> str:
    every = report["every_nth_window"]
    return "." if every == 1 else f"; every {every}th window."


def _table(report: Mapping[str, Any]) -> str:
    head = "".join(
        f"<th>{name}</th>"
        for name in ("source", "labels", "F1", "precision", "recall", "AP50", "pixel IoU", "boundary IoU", "C-IoU")
    )
    named = [*report["sources"].items(), ("all", report["overall"])]
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(_row(*entry) for entry in named)}</table></div>'


def _row(name: str, values: Mapping[str, Any]) -> str:
    at, wide, polygons = values["at_threshold"], values["intervals"], values["polygons"]
    cells = [
        _cell(at["f1"], wide["f1"]),
        _cell(at["precision"], wide["precision"]),
        _cell(at["recall"], wide["recall"]),
        _cell(values["ap50"], wide["ap50"]),
        _cell(values["pixel_iou"], wide["pixel_iou"]),
        _cell(polygons["boundary_iou"]),
        _cell(polygons["c_iou"]),
    ]
    return f"<tr><th>{escape(name)}</th><td>{values['labels']:,}</td>{''.join(cells)}</tr>"


def _cell(value: float | None, interval: Sequence[float | None] | None = None) -> str:
    if value is None:
        return "<td>–</td>"
    span = "" if not interval or None in interval else f"<small>{interval[0]:.2f}–{interval[1]:.2f}</small>"
    return f"<td>{value:.3f}{span}</td>"


def _legend() -> str:
    entries = ((RIGHT, "found, right"), (WRONG, "found, wrong"), (MISSED, "missed"), (LABEL, "label of a found one"))
    items = "".join(f'<li><i style="background: rgb{colour}"></i>{text}</li>' for colour, text in entries)
    return f'<ul class="legend">{items}</ul>'


def _section(name: str, values: Mapping[str, Any], figures: Sequence[str]) -> str:
    shown = "".join(figures) or "<p>No window shows three labelled buildings.</p>"
    windows = f"{values['labels']:,} labelled buildings in {values['windows']:,} windows"
    return f'<section><h2>{escape(name)}</h2><p>{windows}</p><div class="grid">{shown}</div></section>'


def _figure(entry: Chosen, file: str, size: tuple[int, int]) -> str:
    words = f"{entry.labels} labelled, {entry.found} found, {entry.right} of these right"
    caption = f"<b>{KINDS[entry.kind]}</b> F1 {entry.f1:.2f}<br>{words}<br><small>{escape(entry.window.name)}</small>"
    image = f'<img src="{file}" alt="{words}" loading="lazy" width="{size[0]}" height="{size[1]}">'
    return f'<figure><a href="{file}">{image}</a><figcaption>{caption}</figcaption></figure>'


def _reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    points = [(entry["confidence"], entry["right"]) for entry in bins]
    lines = f'<line class="ideal" {_ends((0, 0), (1, 1))}/>{_line(points, "a")}{_dots(points, "a")}'
    return _chart("Reliability", lines, "confidence", "share that is right")


def _trade_off(rows: Sequence[Mapping[str, Any]]) -> str:
    right = [(row["threshold"], row["precision"]) for row in rows if row["precision"] is not None]
    found = [(row["threshold"], row["recall"]) for row in rows]
    words = '<text class="a" x="36" y="14">precision</text><text class="b" x="110" y="14">recall</text>'
    return _chart("Precision and recall", words + _line(right, "a") + _line(found, "b"), "threshold", "share")


def _chart(title: str, marks: str, across: str, up: str) -> str:
    side = CHART_PX + 2 * MARGIN_PX
    frame = f'<rect class="frame" x="{MARGIN_PX}" y="{MARGIN_PX}" width="{CHART_PX}" height="{CHART_PX}"/>'
    ends = "".join(
        f'<text x="{_x(value):.0f}" y="{side - 12}">{value:g}</text>'
        f'<text x="4" y="{_y(value) + 4:.0f}">{value:g}</text>'
        for value in (0, 0.5, 1)
    )
    svg = f'<svg viewBox="0 0 {side} {side}" role="img" aria-label="{title}">{frame}{ends}{marks}</svg>'
    return f"<figure class='chart'><figcaption><b>{title}</b><br>{up} over {across}</figcaption>{svg}</figure>"


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _dots(points: Sequence[tuple[float, float]], kind: str) -> str:
    return "".join(f'<circle class="{kind}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3"/>' for x, y in points)


def _ends(first: tuple[float, float], last: tuple[float, float]) -> str:
    return f'x1="{_x(first[0])}" y1="{_y(first[1])}" x2="{_x(last[0])}" y2="{_y(last[1])}"'


def _x(value: float) -> float:
    return MARGIN_PX + CHART_PX * value


def _y(value: float) -> float:
    return MARGIN_PX + CHART_PX * (1 - value)
