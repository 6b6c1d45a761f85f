"""Read the weights of the network from any file that they are kept in: safetensors, a checkpoint, or the shipped ONNX.

Needs torch; onnx or safetensors where such a file is read.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from processing.detector.onnx_metadata import read_onnx_metadata
from processing.errors import WeightsInvalid

CHECKPOINT_PART = "averaged"
"""The part of a checkpoint that is exported: the moving average of the weights."""
EXPORT_PREFIX, HALF_SUFFIX = "network.", ".half"
"""How `export_onnx` changes the names of weights: the calibrated wrapper's prefix, and the mark of half precision."""


def load_state(path: Path) -> dict[str, Tensor]:
    """Return the weights of `BuildingNetwork` by name, in single precision on the CPU.

    Takes `.safetensors`, `.pt` (a training checkpoint, or a plain state) and `.onnx` (as `export_onnx` writes it, which
    keeps the names; weights stored in half precision come back rounded). Raises `WeightsInvalid`.
    """
    readers = {".safetensors": _from_safetensors, ".pt": _from_checkpoint, ".onnx": _from_onnx}
    reader = readers.get(path.suffix)
    if reader is None:
        raise WeightsInvalid(name=path.name, detail=f"the file's suffix is none of {', '.join(readers)}")
    if not path.is_file():
        raise WeightsInvalid(name=path.name, detail="there is no such file")
    try:
        state = reader(path)
    except Exception as error:  # each format's reader raises kinds of its own on damaged files
        raise WeightsInvalid(name=path.name, detail=f"it cannot be read ({type(error).__name__})") from error
    if not state:
        raise WeightsInvalid(name=path.name, detail="it holds no weights")
    return {name: value.float().contiguous() for name, value in state.items()}


def save_safetensors(state: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write weights in half precision, with text values that describe them, whole or not at all."""
    from safetensors.torch import save_file

    part = path.with_name(f".{path.name}.part")
    halves = {name: value.detach().cpu().half().contiguous() for name, value in state.items()}
    save_file(halves, str(part), metadata=dict(metadata or {}))
    part.replace(path)


def save_beside_onnx(path: Path) -> Path:
    """Write the weights of an ONNX file beside it as safetensors, for the torch engine; return the new file.

    The metadata are those of the ONNX file, the calibration among them, and its hash as `onnx_sha256`: that is what
    names the weights. Raises `WeightsInvalid`.
    """
    target = path.with_suffix(".safetensors")
    names = {"onnx_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    save_safetensors(load_state(path), target, read_onnx_metadata(path) | names)
    return target


def _from_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    state: dict[str, Tensor] = load_file(str(path))
    return state


def _from_checkpoint(path: Path) -> dict[str, Tensor]:
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return dict(content.get(CHECKPOINT_PART, content))


def _from_onnx(path: Path) -> dict[str, Tensor]:
    import onnx

    weights = onnx.load(str(path)).graph.initializer
    named = {weight.name.removesuffix(HALF_SUFFIX): weight for weight in weights}
    return {
        name.removeprefix(EXPORT_PREFIX): torch.from_numpy(onnx.numpy_helper.to_array(weight).copy())
        for name, weight in named.items()
        if name.startswith(EXPORT_PREFIX)
    }
