"""What all compiled loops of the index share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.compiled import compiled, inlined

__all__ = ["compiled", "inlined", "read_only"]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, contiguous and not writable: mapped files are so, and another kind would be compiled anew."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
