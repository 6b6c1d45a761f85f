"""The frame that all pages share: bar, drawer, main area, colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.io.state import state

from pages.app_header import ADMIN_LINK, LINKS, AppHeader
from pages.markup import stylesheet
from pages.request import wants_dark
from pages.session import Session

PRODUCT = "Building Footprints"
THIN_LINE = "1px solid color-mix(in srgb, currentColor 12%, transparent)"
BAR_COLOR = "#14222e"
THEME = {
    "light": {
        "palette": {
            "primary": {"main": "#1f6aa5"},
            "secondary": {"main": "#51636f"},
            "background": {"default": "#eef2f5", "paper": "#ffffff"},
            "text": {"primary": "#17232c", "secondary": "#556571"},
        },
        "typography": {"fontSize": 13, "button": {"textTransform": "none", "letterSpacing": "0"}},
        "shape": {"borderRadius": 6},
    },
    "dark": {
        "palette": {
            "primary": {"main": "#6fb6ea"},
            "secondary": {"main": "#9fb2c0"},
            "background": {"default": "#10171e", "paper": "#18222b"},
            "text": {"primary": "#e6edf2", "secondary": "#9db0bd"},
        },
        "typography": {"fontSize": 13, "button": {"textTransform": "none", "letterSpacing": "0"}},
        "shape": {"borderRadius": 6},
    },
}
PAGE_SX = {
    "& .MuiAppBar-root": {"backgroundColor": BAR_COLOR, "backgroundImage": "none", "boxShadow": "none",
                          "color": "#e8eef3", "borderBottom": "1px solid rgba(255,255,255,.08)"},
    "& .MuiToolbar-root": {"minHeight": "52px !important", "height": "52px", "paddingLeft": "16px",
                           "paddingRight": "10px", "margin": "0", "flex": "none"},
    "& .title": {"fontSize": "16px !important", "fontWeight": 600, "letterSpacing": ".01em", "whiteSpace": "nowrap"},
    "@media (max-width: 760px)": {"& .title": {"display": "none"}},
    "& .MuiAppBar-root .MuiLinearProgress-root": {"height": "2px"},
}


@dataclass(frozen=True)
class PageParts:
    """What differs from page to page."""

    title: str
    path: str
    main: list[Any]
    sidebar: list[Any] = field(default_factory=list)


def build_page(session: Session, parts: PageParts) -> pmui.Page:
    """Return the page, ready to be served."""
    header = AppHeader(
        active=parts.path,
        links=[*LINKS, ADMIN_LINK] if session.principal.is_administrator else LINKS,
        username=session.principal.username,
        csrf_token=session.csrf_token,
        sizing_mode="stretch_width",
        height=52,
        margin=0,
    )
    page = pmui.Page(
        title=PRODUCT,
        meta_title=f"{parts.title} · {PRODUCT}",
        meta_name=f"{parts.title} · {PRODUCT}",
        header=[header],
        sidebar=parts.sidebar,
        main=parts.main,
        sidebar_width=344,
        sidebar_resizable=False,
        theme_toggle=False,
        busy_indicator=None,
        theme_config=THEME,
        dark_theme=wants_dark(),
        raw_css=[stylesheet("page.css")],
        sx=PAGE_SX,
    )
    _forget_process(page)
    return page


def _forget_process(page: pmui.Page) -> None:
    """Stop a page from watching whether the process is busy, which it shows nowhere.

    The library begins that with every page and never ends it. The process's state would keep all pages that were ever
    opened, megabytes each, and tell each of them of every answer.
    """
    for watcher in tuple(state.param.watchers.get("busy", {}).get("value", ())):
        watched_by = getattr(watcher.fn, "__self__", None)
        if getattr(watched_by, "self", None) is page:
            state.param.unwatch(watcher)


def reading_column(*items: Any) -> pn.Column:
    """Return a page's content in a column that scrolls and stays readable on a wide screen."""
    styles = {"gap": "18px", "padding": "26px 20px 40px", "width": "min(1040px, 100%)", "margin": "0 auto",
              "box-sizing": "border-box"}
    inner = pn.Column(*items, margin=0, sizing_mode="stretch_width", styles=styles)
    return pn.Column(inner, margin=0, sizing_mode="stretch_both", scroll="y-auto")
