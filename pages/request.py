"""What the address of a page asks for."""

from bokeh.io import curdoc

LENGTH_MAX = 100
THEME_COOKIE = "bf_theme"
"""The one cookie that pages are told of; it says `dark` or `light` and nothing else."""


def argument(name: str) -> str | None:
    """Return one value of the page's query, or None."""
    context = curdoc().session_context
    if context is None or context.request is None:
        return None
    values = context.request.arguments.get(name)
    return values[-1].decode("utf-8", "replace")[:LENGTH_MAX] if values else None


def wants_dark() -> bool:
    """Tell whether the person chose the dark look on this or another page."""
    context = curdoc().session_context
    cookies = getattr(context and context.request, "cookies", None) or {}
    return cookies.get(THEME_COOKIE) == "dark"
