"""Small pieces of HTML in the product's look. Callers escape what comes from a user with `formats.text`."""

from functools import cache
from pathlib import Path
from typing import Any

import panel as pn

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@cache
def stylesheet(name: str) -> str:
    """Return the text of a file in `assets/css`; each component carries it into its own shadow tree."""
    return (ASSETS / "css" / name).read_text(encoding="utf-8")


def pane(html: str = "", **params: Any) -> pn.pane.HTML:
    """Return a pane that shows `html` with the product's styles."""
    settings = {"sizing_mode": "stretch_width", "margin": 0, **params}
    return pn.pane.HTML(html, stylesheets=[stylesheet("pieces.css")], **settings)


def heading(title: str) -> pn.pane.HTML:
    """Return the small heading of a section."""
    return pane(f'<h2 class="bf-heading">{title}</h2>')


def facts(pairs: list[tuple[str, str]]) -> str:
    """Return pairs of (label, escaped value) as a two-column list."""
    rows = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in pairs)
    return f'<dl class="bf-facts">{rows}</dl>'


def figures(pairs: list[tuple[str, str]]) -> str:
    """Return pairs of (label, escaped value) as a row of large figures."""
    cells = "".join(f"<div><b>{value}</b><span>{label}</span></div>" for label, value in pairs)
    return f'<div class="bf-figures">{cells}</div>'
