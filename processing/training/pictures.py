"""Read pictures of labelled data: plain ones, and GeoTIFFs as the pipeline sees them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from processing.errors import CrsMissing, GeotransformInvalid, LabelsInvalid, ProcessingError
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from processing.scene_pixels import open_scene

GEOTIFF_SUFFIXES = (".tif", ".tiff")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB; a GeoTIFF, of any bands and type, scaled as the pipeline does it.

    Raises `LabelsInvalid`.
    """
    if path.suffix.lower() in GEOTIFF_SUFFIXES:
        picture = _read_geotiff(path)
        if picture is not None:
            return picture
    plain = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if plain is None:
        raise LabelsInvalid(name=path.name, detail="it cannot be read as a picture")
    return np.asarray(cv2.cvtColor(plain, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def gsd_of_geotiff(path: Path) -> float | None:
    """Return the ground sampling distance in metres of a georeferenced file, None for any other picture."""
    if path.suffix.lower() not in GEOTIFF_SUFFIXES:
        return None
    try:
        return inspect_scene(path, name=path.name, budget=SceneBudget()).gsd_m
    except ProcessingError:
        return None


def pool(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average (H, W, 3) over squares of `factor` pixels; the remainder at the right and below is dropped."""
    height, width = (side // factor * factor for side in picture.shape[:2])
    size = (width // factor, height // factor)
    return np.asarray(cv2.resize(picture[:height, :width], size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _read_geotiff(path: Path) -> NDArray[np.uint8] | None:
    """Return None for a TIFF without georeference, which is a plain picture."""
    try:
        info = inspect_scene(path, name=path.name, budget=SceneBudget())
        with open_scene(path, info) as scene:
            size = (info.height_px, info.width_px)
            return scene.read_native(Window(0, 0, info.width_px, info.height_px), size)[0]
    except (CrsMissing, GeotransformInvalid):
        return None
    except ProcessingError as error:
        raise LabelsInvalid(name=path.name, detail=str(error).rstrip(".")) from error
