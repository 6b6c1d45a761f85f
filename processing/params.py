"""The parameters of an extraction: one frozen dataclass for CLI, API, job row and page form."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from processing.errors import ParameterInvalid
from processing.regularization.parameters import RegularizationParams

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class ExtractionParams:
    """What a person may choose. Every unit is in the name; the defaults suit most scenes."""

    min_confidence: float = 0.5
    """Detections below this score are left out. In [0, 1]."""
    window_px: int = 2048
    """Side of the block of working pixels that is read at once. It bounds memory and never changes the result."""
    gsd_m: float | None = None
    """Ground sampling distance in metres that overrides the one read from the scene."""
    min_area_m2: float = 4.0
    """Footprints smaller than this are left out."""
    regularize: bool = True
    """Regularize the outlines where that fits the mask; the raw outline is kept beside it."""
    regularization: RegularizationParams = field(default_factory=RegularizationParams)
    """How they are regularized."""
    weights: str = "default"
    """Name of the weights in the registry."""

    def __post_init__(self) -> None:
        """Refuse values outside their range, so that no door needs checks of its own."""
        _require("min_confidence", self.min_confidence, 0.0 <= self.min_confidence <= 1.0, "it must lie in [0, 1]")
        _require("window_px", self.window_px, 256 <= self.window_px <= 16384, "it must lie in [256, 16384]")
        _require("gsd_m", self.gsd_m, self.gsd_m is None or 0 < self.gsd_m < 100, "it must lie in (0, 100) metres")
        _require("min_area_m2", self.min_area_m2, 0 <= self.min_area_m2 <= 1e6, "it must lie in [0, 1000000] m²")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, as stored in the job row."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from plain JSON values; older jobs lack some names. Unknown names raise `ParameterInvalid`."""
        known = {field.name for field in fields(cls)}
        for name in values:
            _require(name, values[name], name in known, f"known parameters are {', '.join(sorted(known))}")
        values = dict(values)
        if "regularization" in values:
            values["regularization"] = RegularizationParams.from_json(values["regularization"])
        return cls(**values)


def _require(parameter: str, value: Any, holds: bool, rule: str) -> None:
    if not holds:
        raise ParameterInvalid(parameter=parameter, value=value, rule=rule)
