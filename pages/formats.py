"""Numbers, times and names as a person reads them. Everything that comes from a user is escaped here for HTML."""

import html
from datetime import UTC, datetime

NO_VALUE = "–"


def text(value: object) -> str:
    """Return `value` escaped for HTML text and attributes."""
    return html.escape(str(value), quote=True)


def count(number: int) -> str:
    """Return 12345 as 12,345."""
    return f"{number:,}"


def area(area_m2: float) -> str:
    """Return an area in m² below one hectare, in hectares below one km², in km² above."""
    if area_m2 < 10_000:
        return f"{area_m2:,.1f} m²" if area_m2 < 100 else f"{area_m2:,.0f} m²"
    if area_m2 < 1_000_000:
        return f"{area_m2 / 10_000:,.2f} ha"
    return f"{area_m2 / 1_000_000:,.2f} km²"


def share(value: float | None) -> str:
    """Return a share in [0, 1] as a percentage."""
    return NO_VALUE if value is None else f"{value * 100:.0f} %"


def size(size_bytes: int) -> str:
    """Return a file size with a decimal unit."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    for unit, step in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size_bytes < step * 1000:
            return f"{size_bytes / step:.1f} {unit}"
    return f"{size_bytes / 1e12:.2f} TB"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def rough_duration(seconds: float) -> str:
    """Return a length of time that is known roughly: whole minutes up to ninety, then hours, then days."""
    minutes = seconds / 60
    if minutes < 90:
        return f"{max(1, round(minutes))} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def gsd(gsd_m: float) -> str:
    """Return a ground sampling distance in centimetres below one metre."""
    return f"{gsd_m * 100:.1f} cm" if gsd_m < 1 else f"{gsd_m:.2f} m"


def when(moment: datetime | None) -> str:
    """Return a time in UTC to the minute."""
    return NO_VALUE if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago something was, up to a day; further back, when."""
    if moment is None:
        return "never"
    passed_s = ((now or datetime.now(UTC)) - moment).total_seconds()
    if passed_s < 90:
        return "just now"
    if passed_s < 3600:
        return f"{passed_s / 60:.0f} min ago"
    return f"{passed_s / 3600:.0f} h ago" if passed_s < 86_400 else when(moment)


def clock(moment: datetime) -> str:
    """Return the time of day in UTC to the second."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")
