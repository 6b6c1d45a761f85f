"""Pictures and places for tile tests."""

import numpy as np

from processing.rendering.tile_grid import TileAddress


def smooth_picture(height, width):
    """(3, H, W) uint8 in which every place has a colour of its own and nothing is pure black."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.sin(rows / 17.0) * np.cos(columns / 23.0)
    red = 40 + 200 * columns / width
    green = 40 + 200 * rows / height
    return np.stack([red, green, 128 + 90 * waves]).round().astype(np.uint8)


def tile_at(lon_deg, lat_deg, z):
    x = (lon_deg + 180) / 360 * 2**z
    y = (1 - np.arcsinh(np.tan(np.radians(lat_deg))) / np.pi) / 2 * 2**z
    return TileAddress(z, int(x), int(y))


def centre_of(info):
    west, south, east, north = info.bounds_deg
    lon = (west + east) / 2 if west <= east else (west + east + 360) / 2
    return (lon + 180) % 360 - 180, (south + north) / 2
