"""Bring pixels to the working resolution by whole factors, so that a pixel never depends on what is read with it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Valid = NDArray[np.bool_]
AxisPlan = tuple[int, tuple[int, int]]
"""How often each native pixel is repeated along an axis, and the span of working pixels that is wanted."""


def pool(values: Values, valid: Valid, rows: int, columns: int) -> tuple[Values, Valid]:
    """Average valid pixels over blocks of rows x columns; a block is valid when half of it is.

    values: (C, H, W); valid: (H, W). Sums are whole numbers or added one by one in a fixed order, so that a pixel's
    mean never depends on what else is read with it.
    """
    if rows == columns == 1:
        return values, valid
    if valid.all():
        count: Any = np.float32(rows * columns)
        pooled_valid = np.ones((valid.shape[0] // rows, valid.shape[1] // columns), np.bool_)
    else:
        values = np.where(valid, values, values.dtype.type(0))
        count = _block_sum(valid[None], rows, columns)[0].astype(np.float32)
        pooled_valid = count * 2 >= rows * columns
        count = np.maximum(count, 1)
    sums = _block_sum(values, rows, columns)
    return sums.astype(np.float32) / count, pooled_valid


def _block_sum(values: Values, rows: int, columns: int) -> Values:
    wide: Any = np.float64 if np.issubdtype(values.dtype, np.floating) or values.dtype.itemsize > 2 else np.uint32
    if values.dtype == np.int16 or values.dtype == np.int8:
        wide = np.int32
    total = values[:, 0::rows].astype(wide)
    for step in range(1, rows):
        total += values[:, step::rows]
    summed = total[..., 0::columns].copy()
    for step in range(1, columns):
        summed += total[..., step::columns]
    return summed


def enlarge(values: Values, valid: Valid, rows: AxisPlan, columns: AxisPlan) -> tuple[Values, Valid]:
    """Interpolate linearly between pixel centres, leaving invalid neighbours out.

    values: (C, H, W), valid: (H, W). Along an axis that grows they hold one native pixel more than the wanted span
    touches on each side; an axis with factor 1 stays as it is.
    """
    weight = valid.astype(np.float32)
    total = np.where(valid, values, values.dtype.type(0)).astype(np.float32) * weight
    for axis, (up, span) in ((-2, rows), (-1, columns)):
        if up > 1:
            total, weight = _linear(total, axis, up, span), _linear(weight, axis, up, span)
            valid = _nearest(valid, axis, up, span)
    return total / np.maximum(weight, np.float32(1e-6)), valid


def _linear(values: Values, axis: int, up: int, span: tuple[int, int]) -> Values:
    native, phase = _split(up, span)
    offset = (phase + 0.5) / up - 0.5
    lower = native + np.where(offset < 0, -1, 0)
    share = np.where(offset < 0, offset + 1, offset).astype(np.float32)
    share = share.reshape((-1, 1) if axis == -2 else (1, -1))
    return np.take(values, lower, axis=axis) * (1 - share) + np.take(values, lower + 1, axis=axis) * share


def _nearest(valid: Valid, axis: int, up: int, span: tuple[int, int]) -> Valid:
    return np.take(valid, _split(up, span)[0], axis=axis)


def _split(up: int, span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for every wanted working pixel its native pixel, counted in the array with its border, and its phase."""
    working = np.arange(*span)
    return working // up - span[0] // up + 1, working % up
