"""Gives memory that a task has freed back to the system.

What libraries keep for later would add up from job to job: a worker that has seen many kinds of files would hold the
sum of what each of them needed.
"""

import ctypes
import gc
import sys
from contextlib import suppress
from functools import cache
from typing import Any


def give_back_memory() -> None:
    """Return what is free; does nothing where the C library cannot."""
    gc.collect()
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """Return glibc's own function, which also looks into the heaps of threads that have ended."""
    with suppress(OSError, AttributeError):
        return ctypes.CDLL(None).malloc_trim
    return None
