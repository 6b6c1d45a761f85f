"""Compile the inner loops of regularization to machine code."""

from collections.abc import Callable
from typing import Any, cast

import numba


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a function of numbers and arrays when it is first called; it then runs without the interpreter's lock.

    The machine code is kept on disk beside the source, or in the user's cache; where neither can be written, each
    process compiles anew. No reordering of sums is allowed: the same ring gives the same result everywhere. A function
    whose name begins with an underscore can only be called by other compiled functions: the way in from Python, which
    takes long to compile, is left out.
    """
    inner = function.__name__.startswith("_")
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    options |= {"no_cfunc_wrapper": True, "no_cpython_wrapper": inner}
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast(F, numba.njit(**options)(function))
