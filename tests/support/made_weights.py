"""Tiny weights in ONNX form, written byte by byte: a graph that finds the same buildings in every window.

The file format is protocol buffers; the few fields that are used are those of onnx.proto (IR version 8, opset 17).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

FLOAT = 1
CARD = {
    "name": "made",
    "version": "1",
    "window_px": "96",
    "stride_px": "64",
    "gsd_min_m": "0.05",
    "gsd_max_m": "1.5",
    "gsd_working_m": "0.4",
}


def write_weights(
    path: Path,
    boxes: Sequence[Sequence[float]] = ((10, 10, 40, 30),),
    scores: Sequence[float] = (0.9,),
    masks: np.ndarray | None = None,
    **card: object,
) -> Path:
    """Write weights; `masks` are (K, M, M), all ones unless given; `card` changes the metadata (None: left out)."""
    found = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "scores": np.array(scores, np.float32),
        "masks": np.ones((len(scores), 28, 28), np.float32) if masks is None else masks.astype(np.float32),
    }
    side = int((CARD | card)["window_px"])
    graph = b"".join(_message(1, _identity(name)) for name in found)
    graph += _text(2, "made") + b"".join(_message(5, _tensor(f"{name}.value", found[name])) for name in found)
    graph += _message(11, _value("image", (1, 3, side, side)))
    graph += b"".join(_message(12, _value(name, values.shape)) for name, values in found.items())
    metadata = {name: str(value) for name, value in (CARD | card).items() if value is not None}
    properties = b"".join(_message(14, _text(1, name) + _text(2, value)) for name, value in metadata.items())
    path.write_bytes(_number(1, 8) + _message(7, graph) + _message(8, _number(2, 17)) + properties)
    return path


def _identity(name: str) -> bytes:
    return _text(1, f"{name}.value") + _text(2, name) + _text(4, "Identity")


def _tensor(name: str, values: np.ndarray) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, FLOAT) + _text(8, name) + _message(9, values.tobytes())


def _value(name: str, sizes: Sequence[int]) -> bytes:
    shape = b"".join(_message(1, _number(1, size)) for size in sizes)
    return _text(1, name) + _message(2, _message(1, _number(1, FLOAT) + _message(2, shape)))


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])
