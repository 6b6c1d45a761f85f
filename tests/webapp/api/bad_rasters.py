"""Files that people send by mistake or on purpose, and what they are told."""

import struct
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from tests.processing.made_scenes import write_scene

UTM = Affine(0.3, 0.0, 500_000.0, 0.0, -0.3, 5_500_000.0)
VRT = b'<VRTDataset rasterXSize="20" rasterYSize="20"><VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'


def _grey(rows=300, columns=300):
    return np.random.default_rng(1).integers(20, 200, (3, rows, columns)).astype(np.uint8)


def text(path: Path) -> Path:
    path.write_bytes(b"id,name\n1,roof\n" * 100)
    return path


def vrt(path: Path) -> Path:
    path.write_bytes(VRT)
    return path


def xml(path: Path) -> Path:
    path.write_bytes(b'<?xml version="1.0"?><GDAL_WMS/>')
    return path


def truncated(path: Path) -> Path:
    whole = write_scene(path.with_name("whole.tif"), _grey(), transform=UTM)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def header_only(path: Path) -> Path:
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + b"\0" * 8)
    return path


def bomb(path: Path) -> Path:
    """A sparse TIFF of a few bytes that decodes to 640 GB."""
    size = 200_000
    options = {"driver": "GTiff", "count": 4, "dtype": "float32", "width": size, "height": size, "crs": "EPSG:32633"}
    tiles = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "sparse_ok": True, "bigtiff": "yes"}
    with rasterio.open(path, "w", transform=UTM, **options, **tiles):
        pass
    return path


def no_crs(path: Path) -> Path:
    return write_scene(path, _grey(), transform=UTM, crs=None)


def no_transform(path: Path) -> Path:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_scene(path, _grey(), transform=Affine.identity())


def all_nodata(path: Path) -> Path:
    return write_scene(path, np.zeros((3, 300, 300), np.uint8), transform=UTM, nodata=0)


def complex_pixels(path: Path) -> Path:
    return write_scene(path, _grey().astype(np.complex64), transform=UTM)


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


BAD = {
    "text": (text, 415, "NotARaster"),
    "vrt": (vrt, 415, "NotARaster"),
    "xml": (xml, 415, "NotARaster"),
    "empty": (empty, 400, "UploadEmpty"),
    "truncated": (truncated, 422, "RasterUnreadable"),
    "header only": (header_only, 422, "RasterUnreadable"),
    "decodes to 640 GB": (bomb, 413, "RasterTooLarge"),
    "no crs": (no_crs, 422, "CrsMissing"),
    "no geotransform": (no_transform, 422, "GeotransformInvalid"),
    "all nodata": (all_nodata, 422, "SceneEmpty"),
    "complex pixels": (complex_pixels, 422, "DtypeNotAllowed"),
}


def _float_with_nan(path: Path) -> Path:
    bands = _grey().astype(np.float32)
    bands[:, :50] = np.nan
    return write_scene(path, bands, transform=UTM)


def _palette(path: Path) -> Path:
    write_scene(
        path,
        np.random.default_rng(1).integers(1, 4, (1, 300, 300)).astype(np.uint8),
        transform=UTM,
        photometric="palette",
    )
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (200, 30, 30, 255), 2: (20, 60, 220, 255), 3: (9, 99, 9, 255)})
    return path


def _alpha(path: Path) -> Path:
    bands = np.concatenate([_grey(), np.full((1, 300, 300), 255, np.uint8)])
    bands[3, :100] = 0
    return write_scene(path, bands, transform=UTM, colorinterp=("red", "green", "blue", "alpha"))


GOOD = {
    "rotated": lambda path: write_scene(path, _grey(), transform=UTM @ Affine.rotation(30)),
    "south up": lambda path: write_scene(path, _grey(), transform=Affine(0.3, 0, 500_000, 0, 0.3, 5_500_000)),
    "16 bit": lambda path: write_scene(path, _grey().astype(np.uint16) * 40, transform=UTM),
    "float with NaN": _float_with_nan,
    "1 band": lambda path: write_scene(path, _grey()[:1], transform=UTM),
    "3 bands": lambda path: write_scene(path, _grey(), transform=UTM),
    "4 bands": lambda path: write_scene(path, np.concatenate([_grey(), _grey()[:1]]), transform=UTM),
    "5 bands": lambda path: write_scene(path, np.concatenate([_grey(), _grey()[:2]]), transform=UTM),
    "palette": _palette,
    "alpha": _alpha,
    "degrees": lambda path: write_scene(path, _grey(), transform=Affine(3e-6, 0, 15, 0, -3e-6, 49.6), crs="EPSG:4326"),
    "over the antimeridian": lambda path: write_scene(
        path, _grey(), transform=Affine(3e-6, 0, 179.9996, 0, -3e-6, -16.5), crs="EPSG:4326"
    ),
}
