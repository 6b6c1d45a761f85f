"""Variation of colour, sharpness and compression, as scenes of different sensors and providers show it."""

import cv2
import numpy as np
from numpy.typing import NDArray


def vary_photometry(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a varied copy of (H, W, 3) uint8 RGB; pixels without imagery (0, 0, 0) stay so."""
    empty = ~picture.any(axis=2)
    if rng.random() < 0.85:
        picture = _vary_tone(rng, picture)
    if rng.random() < 0.5:
        picture = _vary_colour(rng, picture)
    if rng.random() < 0.4:
        picture = _vary_sharpness(rng, picture)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(1, 6), picture.shape)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        picture = _compress(picture, int(rng.integers(35, 95)))
    result = np.ascontiguousarray(picture)
    result[empty] = 0
    return result


def _vary_tone(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gamma, contrast, brightness and a cast: one lookup table for each channel."""
    levels = np.linspace(0, 1, 256)
    gamma = np.exp(rng.uniform(-0.4, 0.4))
    gain, shift = np.exp(rng.uniform(-0.3, 0.3)), rng.uniform(-0.08, 0.08)
    tables = [
        (levels ** (gamma * np.exp(rng.uniform(-0.08, 0.08))) - 0.4) * gain * np.exp(rng.uniform(-0.08, 0.08))
        + 0.4
        + shift
        for _ in range(3)
    ]
    table = np.clip(np.stack(tables, axis=-1) * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table[None]), dtype=np.uint8)


def _vary_colour(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Towards or away from grey, and a small turn of the hue."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    amount = 0.0 if rng.random() < 0.08 else rng.uniform(0.5, 1.5)
    picture = np.asarray(cv2.addWeighted(picture, amount, grey, 1 - amount, 0), dtype=np.uint8)
    if rng.random() < 0.4:
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.integers(-10, 11))) % 180
        picture = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.uint8)
    return picture


def _vary_sharpness(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.6:
        return np.asarray(blurred, dtype=np.uint8)
    amount = rng.uniform(0.3, 1.0)
    return np.asarray(cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0), dtype=np.uint8)


def _compress(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
