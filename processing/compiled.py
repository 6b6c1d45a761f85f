"""Compile inner loops to machine code, and keep it on disk for as long as the sources stay as they are."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba

SETTINGS: Any = numba.config
SOURCES = Path(__file__).resolve().parent
FOLDERS_WITH_LOOPS = ("regularization", "footprint_index")
PREFIX = "numba-"


OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a function of numbers and arrays when it is first called; it then runs without the interpreter's lock.

    The machine code is kept on disk; where nothing can be written, each process compiles anew. No reordering of sums is
    allowed: the same numbers give the same result everywhere.
    """
    return _compiled(function, OPTIONS)


def inlined[F: Callable[..., Any]](function: F) -> F:
    """Compile a small function into each compiled loop that calls it: a call hands on every array field by field."""
    return _compiled(function, OPTIONS | {"forceinline": True})


def _compiled[F: Callable[..., Any]](function: F, options: dict[str, Any]) -> F:
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast(F, numba.njit(**options)(function))


def use_own_cache() -> None:
    """Keep machine code in a folder that is named after all sources with loops.

    Numba looks only at the file of a function itself. After an update, a loop that calls into another file would go on
    with what was compiled from the old one.
    """
    if SETTINGS.CACHE_DIR:
        return  # somebody has chosen another place
    folder = SOURCES / "__pycache__" / f"{PREFIX}{_digest()}"
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a checkout that cannot be written: Numba then takes the user's own cache folder
    if is_new:
        _remove_others(folder)
    SETTINGS.CACHE_DIR = str(folder)


def _digest() -> str:
    found = hashlib.sha256(numba.__version__.encode())
    for name in FOLDERS_WITH_LOOPS:
        for path in sorted((SOURCES / name).glob("*.py")):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


SOURCES_DIGEST = _digest()
"""A short name of all sources with loops, and of Numba: whatever depends on how they work has it in its name."""


def _remove_others(folder: Path) -> None:
    for other in folder.parent.glob(f"{PREFIX}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


use_own_cache()
