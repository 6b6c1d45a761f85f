"""What weights say of themselves, as text values: the metadata of an ONNX file and of a safetensors file alike."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from processing.detector.protocol import DetectorCard
from processing.errors import WeightsInvalid

CARD_FIELDS = {
    "window_px": int,
    "stride_px": int,
    "gsd_min_m": float,
    "gsd_max_m": float,
    "gsd_working_m": float,
}
HASH_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class ExportMetadata:
    """What goes into the file, beside the sampling and tiling hints that common GIS plugins read."""

    name: str
    version: str
    window_px: int = 512
    stride_px: int = 384
    gsd_min_m: float = 0.03
    gsd_max_m: float = 1.3
    gsd_working_m: float = 0.3
    gsd_enlarged_m: float = 0.4
    score_gain: float = 1.0
    score_shift: float = 0.0
    """confidence = sigmoid(gain · logit(score) + shift), fitted on validation data; part of the graph."""

    def to_properties(self) -> dict[str, str]:
        """Return the metadata as text values; `resolution` is in centimetres a pixel, `tiles_overlap` in percent."""
        own = {name: str(value) for name, value in asdict(self).items()}
        overlap = 100 * (self.window_px - self.stride_px) / self.window_px
        return {
            **own,
            "model_type": "Detector",
            "class_names": json.dumps({"0": "building"}),
            "resolution": f"{self.gsd_working_m * 100:g}",
            "tiles_size": str(self.window_px),
            "tiles_overlap": f"{overlap:g}",
        }


def card_of(metadata: Mapping[str, str], path: Path) -> DetectorCard:
    """Return the card of the weights in a file. Raises `WeightsInvalid` where a field is missing or unusable."""
    try:
        values: dict[str, Any] = {field: kind(metadata[field]) for field, kind in CARD_FIELDS.items()}
        if "gsd_enlarged_m" in metadata:
            values["gsd_enlarged_m"] = float(metadata["gsd_enlarged_m"])
    except (KeyError, ValueError) as error:
        raise WeightsInvalid(name=path.name, detail=f"its metadata lack a usable {error.args[0]}.") from error
    if not 0 < values["stride_px"] < values["window_px"]:
        raise WeightsInvalid(name=path.name, detail="its windows do not overlap.")
    name = " ".join(part for part in (metadata.get("name", path.stem), metadata.get("version", "")) if part)
    return DetectorCard(name=name, weights_sha256=_sha256(path), **values)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
