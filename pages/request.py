"""What the address of a page asks for."""

from bokeh.io import curdoc

LENGTH_MAX = 100


def argument(name: str) -> str | None:
    """Return one value of the page's query, or None."""
    context = curdoc().session_context
    if context is None or context.request is None:
        return None
    values = context.request.arguments.get(name)
    return values[-1].decode("utf-8", "replace")[:LENGTH_MAX] if values else None
