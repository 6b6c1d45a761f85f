"""Which version of the product this is."""

import tomllib
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


@cache
def product_version() -> str:
    """Return the version that the checkout says of itself."""
    return str(tomllib.loads(PROJECT.read_text())["project"]["version"])
