"""Keep out of a process what libraries would load only because it is installed.

pyarrow loads pandas when it makes its first array, pyogrio loads pandas and geopandas, Numba loads scipy: seconds and
tens of MB that a process of one task may never use.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

UNWANTED = ("geopandas", "pandas", "scipy")


class _Refusing(MetaPathFinder):
    """Says of some packages that they are not installed, for which all who ask are prepared."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in UNWANTED:
            raise ModuleNotFoundError(f"{fullname} is not loaded in this process", name=fullname)
        return None


def refuse_data_frames() -> None:
    """Have this process work without `UNWANTED`, for good. Comes before the first import of pyarrow or pyogrio."""
    sys.meta_path.insert(0, _Refusing())
