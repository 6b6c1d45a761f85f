"""GeoTIFFs that are placed nowhere, twice, or at the edge of the Earth; and odd but honest ones that must pass."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from tests.processing.made_scenes import UTM_ORIGIN, write_scene
from tests.support.hostile import raw_tiff as raw
from tests.support.hostile.case import Case, Lures, Verdict, plain
from tests.support.hostile.raw_tiff import plain_fields, plain_pixels, tiff

GROUP = "place"
PIXELS = plain_pixels()
NAN, INF = float("nan"), float("inf")


def place_cases() -> list[Case]:
    """Return all of them."""
    return [*_nowhere(), *_honest()]


def _nowhere() -> list[Case]:
    def placed(name: str, verdict: Verdict = Verdict.REFUSED, **fields: raw.Field) -> Case:
        chosen = plain_fields() | {getattr(raw, tag): value for tag, value in fields.items()}
        return Case(GROUP, name, plain(lambda: tiff(chosen, PIXELS)), verdict=verdict)

    def keys(*codes: int) -> raw.Field:
        return ("short", [1, 1, 0, 3, 1024, 0, 1, codes[0], 1025, 0, 1, 1, codes[1], 0, 1, codes[2]])

    swapped = _scene("latitude and longitude swapped", Affine(3e-6, 0, 49.6, 0, -3e-6, 150), "EPSG:4326", refused=True)
    return [
        placed("EPSG that nobody knows", GEO_KEYS=keys(1, 3072, 32_599)),
        placed("EPSG of a vertical system", GEO_KEYS=keys(1, 3072, 5773)),
        placed("keys that are cut off", Verdict.EITHER, GEO_KEYS=("short", [1, 1, 0, 900, 1024])),
        placed("keys that point past their text", GEO_KEYS=("short", [1, 1, 0, 1, 1026, 34737, 60_000, 9])),
        placed("pixels of no size", SCALE=("double", [0.0, 0.0, 0.0])),
        placed("pixels of NaN", SCALE=("double", [NAN, NAN, 0.0])),
        placed("pixels of infinite size", SCALE=("double", [INF, INF, 0.0])),
        placed("origin at NaN", TIEPOINT=("double", [0.0, 0.0, 0.0, NAN, NAN, 0.0])),
        placed("origin at 1e300", TIEPOINT=("double", [0.0, 0.0, 0.0, 1e300, 1e300, 0.0])),
        swapped,
        Case(GROUP, "control points alone", _with_gcps),
        Case(GROUP, "polynomials alone", _with_rpcs),
        _scene("no reference system", UTM_ORIGIN, None, refused=True),
        _scene("all nodata", UTM_ORIGIN, "EPSG:32633", refused=True, bands=_zeros, nodata=0),
        _scene("all NaN", UTM_ORIGIN, "EPSG:32633", refused=True, bands=lambda: _zeros().astype("f4") * NAN),
        _scene("at the pole", Affine(3e-6, 0, 15, 0, -3e-6, 90.0004), "EPSG:4326", refused=True),
        _scene("columns that lie in a line", Affine(0.3, 0.3, 5e5, 0.3, 0.3, 5.5e6), "EPSG:32633", refused=True),
    ]


def _honest() -> list[Case]:
    def good(name: str, **more: object) -> Case:
        return _scene(name, UTM_ORIGIN, "EPSG:32633", verdict=Verdict.TAKEN, **more)  # type: ignore[arg-type]

    turned = UTM_ORIGIN @ Affine.rotation(30)
    return [
        good(
            "honest blank, packed 2,000 times", bands=lambda: np.full((3, 2000, 2000), 255, np.uint8), compress="zstd"
        ),
        good("honest, a corner in a sparse file", bands=_corner, sparse_ok=True, nodata=0),
        good("honest, 16 bits", bands=lambda: _noise().astype(np.uint16) * 40),
        good("honest, floats with NaN and infinity", bands=_wild_floats),
        good("honest, nodata around", bands=_framed, nodata=0),
        good("honest, alpha", bands=_with_alpha, colorinterp=("red", "green", "blue", "alpha")),
        good("honest, grey", bands=lambda: _noise()[:1]),
        _scene("honest, turned by 30 degrees", turned, "EPSG:32633", verdict=Verdict.TAKEN),
        _scene("honest, sheared", UTM_ORIGIN @ Affine.shear(20, 0), "EPSG:32633", verdict=Verdict.TAKEN),
        _scene(
            "honest, over the antimeridian",
            Affine(3e-6, 0, 179.9996, 0, -3e-6, -16.5),
            "EPSG:4326",
            verdict=Verdict.TAKEN,
        ),
        Case(GROUP, "honest, internal mask", _masked, verdict=Verdict.TAKEN),
    ]


def _noise() -> np.ndarray:
    return np.random.default_rng(1).integers(20, 200, (3, 300, 300)).astype(np.uint8)


def _zeros() -> np.ndarray:
    return np.zeros((3, 300, 300), np.uint8)


def _corner() -> np.ndarray:
    bands = np.zeros((3, 1600, 1600), np.uint8)
    bands[:, :256, :256] = _noise()[:, :256, :256]
    return bands


def _wild_floats() -> np.ndarray:
    bands = _noise().astype(np.float32)
    bands[:, :50], bands[:, 50:60], bands[:, 60:70] = NAN, INF, -INF
    return bands


def _framed() -> np.ndarray:
    bands = _noise()
    bands[:, :90] = 0
    return bands


def _with_alpha() -> np.ndarray:
    bands = np.concatenate([_noise(), np.full((1, 300, 300), 255, np.uint8)])
    bands[3, :100] = 0
    return bands


def _scene(
    name: str,
    transform: Affine,
    crs: str | None,
    refused: bool = False,
    verdict: Verdict = Verdict.REFUSED,
    bands: Callable[[], np.ndarray] = _noise,
    **profile: object,
) -> Case:
    def write(path: Path, lures: Lures) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_scene(path, bands(), transform=transform, crs=crs, **profile)

    return Case(GROUP, name, write, verdict=Verdict.REFUSED if refused else verdict)


def _with_gcps(path: Path, lures: Lures) -> None:
    corners = [(0, 0, 15.0, 49.6), (0, 300, 15.001, 49.6), (300, 0, 15.0, 49.599), (300, 300, 15.001, 49.599)]
    points = [GroundControlPoint(row=row, col=column, x=x, y=y) for row, column, x, y in corners]
    _bare(path, gcps=points, crs="EPSG:4326")


def _with_rpcs(path: Path, lures: Lures) -> None:
    one = [1.0] + [0.0] * 19
    ends = {f"{name}_{what}": 1.0 for name in ("lat", "long", "height", "line", "samp") for what in ("off", "scale")}
    coefficients = {f"{name}_{what}_coeff": one for name in ("line", "samp") for what in ("num", "den")}
    _bare(path, rpcs=RPC(**ends, **coefficients))


def _bare(path: Path, **profile: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape = {"driver": "GTiff", "width": 300, "height": 300, "count": 3, "dtype": "uint8"}
        with rasterio.open(path, "w", **shape, **profile) as dataset:
            dataset.write(_noise())


def _masked(path: Path, lures: Lures) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write_scene(path, _noise())
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(np.where(np.arange(300)[:, None] < 100, 0, 255).astype(np.uint8).repeat(300, 1))
