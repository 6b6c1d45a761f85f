"""What the address of a page asks for."""

from bokeh.io import curdoc

LENGTH_MAX = 100
THEME_COOKIE = "bf_theme"
"""Set by the bar's button; it says `dark` or `light` and nothing else."""


def argument(name: str, length_max: int = LENGTH_MAX) -> str | None:
    """Return one value of the page's query, or None."""
    context = curdoc().session_context
    if context is None or context.request is None:
        return None
    values = context.request.arguments.get(name)
    return values[-1].decode("utf-8", "replace")[:length_max] if values else None


def wants_dark() -> bool:
    """Tell whether the person chose the dark look on this or another page."""
    context = curdoc().session_context
    # Bokeh's proxy shows the cookies that are in the page's token, and none are; the request behind it has this one.
    request = getattr(context and context.request, "_request", None)
    cookie = getattr(request, "cookies", {}).get(THEME_COOKIE)
    return cookie is not None and cookie.value == "dark"
