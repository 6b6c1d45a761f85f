"""Which bands of a raster make the picture, and which of its pixels are imagery at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.windows import Window

from processing.raster_file import Dataset

PRIMARIES = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True, slots=True)
class BandLayout:
    """How a dataset's bands become a picture."""

    rgb_bands: tuple[int, int, int]
    """Band numbers from 1; three times the same for grey."""
    alpha_band: int | None
    palette: NDArray[np.uint8] | None
    """(N, 4) RGBA of each index, when the band holds indices."""
    nodata: tuple[float | None, ...]
    """The nodata value of each of `rgb_bands`."""
    has_mask: bool
    """The dataset carries a mask of its own."""


def read_layout(dataset: Dataset) -> BandLayout:
    """Choose the bands by their colour interpretation, else by name, else the first ones."""
    rgb_bands = _rgb_bands(dataset)
    alpha = [band for band, kind in enumerate(dataset.colorinterp, start=1) if kind == ColorInterp.alpha]
    flags = dataset.mask_flag_enums[rgb_bands[0] - 1]
    return BandLayout(
        rgb_bands=rgb_bands,
        alpha_band=alpha[0] if alpha else None,
        palette=_palette(dataset) if dataset.colorinterp[0] == ColorInterp.palette else None,
        nodata=tuple(dataset.nodatavals[band - 1] for band in rgb_bands),
        has_mask=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
    )


def _rgb_bands(dataset: Dataset) -> tuple[int, int, int]:
    kinds = list(dataset.colorinterp)
    if all(primary in kinds for primary in PRIMARIES):
        red, green, blue = (kinds.index(primary) + 1 for primary in PRIMARIES)
        return red, green, blue
    names = [(description or "").strip().lower() for description in dataset.descriptions]
    if all(name in names for name in ("red", "green", "blue")):
        return names.index("red") + 1, names.index("green") + 1, names.index("blue") + 1
    colours = [band for band, kind in enumerate(kinds, start=1) if kind != ColorInterp.alpha]
    if len(colours) >= 3:
        return colours[0], colours[1], colours[2]
    first = colours[0] if colours else 1
    return first, first, first


def _palette(dataset: Dataset) -> NDArray[np.uint8]:
    colours = dataset.colormap(1)
    table = np.zeros((max(colours) + 1, 4), np.uint8)
    for index, rgba in colours.items():
        table[index] = rgba
    return table


def read_pixels(
    dataset: Dataset, layout: BandLayout, window: Window, shape: tuple[int, int] | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read one window of the picture.

    Returns values (C, H, W) in the dataset's own type with C = 3, or 1 for grey, and valid (H, W) bool: where there is
    imagery. Invalid floats are set to 0. `shape` (H, W) asks for a decimated reading (nearest pixel).
    """
    grey = layout.rgb_bands[0] == layout.rgb_bands[1] and layout.palette is None
    bands = list(layout.rgb_bands[:1] if grey or layout.palette is not None else layout.rgb_bands)
    wanted = bands + ([layout.alpha_band] if layout.alpha_band else [])
    options: dict[str, Any] = {"window": window}
    if shape is not None:
        options |= {"out_shape": (len(wanted), *shape), "resampling": Resampling.nearest}
    values = dataset.read(wanted, **options)
    valid = np.ones(values.shape[1:], np.bool_)
    if layout.alpha_band:
        valid &= values[-1] > 0
        values = values[:-1]
    if layout.has_mask:
        if shape is not None:
            options["out_shape"] = shape
        valid &= dataset.read_masks(bands[0], **options) > 0
    valid &= _differs_from_nodata(values, layout)
    if layout.palette is not None:
        return _expand(values[0], valid, layout.palette)
    if np.issubdtype(values.dtype, np.floating):
        finite = np.isfinite(values).all(axis=0)
        valid &= finite
        values = np.where(valid, values, values.dtype.type(0))
    return values, valid


def _differs_from_nodata(values: NDArray[Any], layout: BandLayout) -> NDArray[np.bool_] | np.bool_:
    """A pixel is nodata only when every one of its bands is: pure black may be one band of a real colour."""
    differs: NDArray[np.bool_] | np.bool_ = np.bool_(False)
    for band, nodata in zip(values, layout.nodata, strict=False):
        if nodata is None or np.isnan(nodata):
            return np.bool_(True)
        differs = differs | (band != nodata)
    return differs


def _expand(
    indices: NDArray[Any], valid: NDArray[np.bool_], palette: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    known = indices < len(palette)
    rgba = palette[np.where(known, indices, 0)]
    return np.moveaxis(rgba[..., :3], -1, 0).copy(), valid & known & (rgba[..., 3] > 0)
