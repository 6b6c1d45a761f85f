"""A process that holds as little as it can: what libraries would load only because it is installed stays out."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

UNWANTED = ("geopandas", "pandas", "scipy")
"""pyarrow loads pandas when it makes its first array (44 MB), pyogrio loads both, Numba loads scipy; none needs it."""


class _Refusing(MetaPathFinder):
    """Says of some packages that they are not installed, for which all who ask are prepared."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in UNWANTED:
            raise ModuleNotFoundError(f"{fullname} is not loaded in this process", name=fullname)
        return None


def keep_lean() -> None:
    """Refuse data frames in this process, and give memory that Arrow no longer needs back to the system."""
    sys.meta_path.insert(0, _Refusing())
    pa.set_memory_pool(pa.system_memory_pool())
