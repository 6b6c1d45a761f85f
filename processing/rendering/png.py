"""Pixels to PNG bytes, fast: level 1 deflate, and three channels where nothing is transparent."""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT)


def encode_png(rgba: NDArray[np.uint8]) -> bytes:
    """Return the PNG of an image: (H, W, 4) uint8 RGBA with straight (not premultiplied) alpha."""
    alpha = rgba[..., 3]
    if not alpha.any():
        return _transparent_png(rgba.shape[1], rgba.shape[0])
    conversion = cv2.COLOR_RGBA2BGR if alpha.min() == 255 else cv2.COLOR_RGBA2BGRA
    done, encoded = cv2.imencode(".png", cv2.cvtColor(rgba, conversion), _FAST)
    if not done:
        raise ValueError(f"cannot encode an image of shape {rgba.shape}")
    return encoded.tobytes()


@functools.lru_cache(maxsize=8)
def _transparent_png(width_px: int, height_px: int) -> bytes:
    done, encoded = cv2.imencode(".png", np.zeros((height_px, width_px, 4), np.uint8), _FAST)
    if not done:
        raise ValueError(f"cannot encode an empty image of {width_px} x {height_px}")
    return encoded.tobytes()


def straight_alpha(premultiplied: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 4) uint8 RGBA with straight alpha from the same with premultiplied alpha."""
    alpha = premultiplied[..., 3:4].astype(np.uint16)
    colour = premultiplied[..., :3].astype(np.uint16)
    straight = np.minimum((colour * 255 + alpha // 2) // np.maximum(alpha, 1), 255)
    return np.dstack((straight, alpha)).astype(np.uint8)
