"""Pages that are plain HTML."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_templates = Environment(loader=FileSystemLoader(ASSETS), autoescape=True)


def render(name: str, **values: object) -> str:
    """Fill a template of the assets; all values are escaped."""
    return _templates.get_template(name).render(**values)
