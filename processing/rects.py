"""Rectangles of whole pixels."""

Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1; x1 and y1 are outside."""


def meet(a: Rect, b: Rect) -> Rect | None:
    """Return the rectangle that two rectangles share, or None."""
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def dilate(rect: Rect, by_px: int) -> Rect:
    """Return the rectangle grown on every side."""
    return rect[0] - by_px, rect[1] - by_px, rect[2] + by_px, rect[3] + by_px
