"""The parameters of regularization: one frozen dataclass for CLI, API, job row and page."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from processing.errors import ParameterInvalid

METHODS = ("auto", "right_angles", "right_angles_and_diagonals", "any_angle", "circle")


@dataclass(frozen=True, slots=True)
class RegularizationParams:
    """How outlines are regularized. Names follow those of ArcGIS where the meaning is the same."""

    method: str = "auto"
    """Which shapes may be fitted: one kind, or with `auto` all of them, the best for each building."""
    tolerance_px: float = 1.0
    """Unevenness of the outline up to this is noise of the mask, not a wall. In pixels of the working resolution."""
    diagonal_penalty: float = 0.03
    """What each wall at 45° must gain in agreement with the mask. Higher values give fewer diagonals."""
    corner_cost: float = 0.006
    """What each further corner must gain in agreement with the mask, a quarter of it where all angles are right.
    Higher values give simpler shapes."""
    min_iou: float = 0.75
    """A shape that agrees less with the mask is rejected: the building then keeps the outline that was seen."""
    snap_px: float = 1.5
    """Walls of two neighbours that stand at most this far apart become one. In pixels of the working resolution."""

    def __post_init__(self) -> None:
        """Refuse values outside their range, so that no door needs checks of its own."""
        _require("method", self.method, self.method in METHODS, f"it must be one of {', '.join(METHODS)}")
        for name, low, high in RANGES:
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            _require(name, value, number and low <= value <= high, f"it must be a number in [{low:g}, {high:g}]")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Build from plain JSON values; unknown names raise `ParameterInvalid`."""
        if not isinstance(values, dict):
            raise ParameterInvalid(parameter="regularization", value=str(values)[:100], rule="it must be an object")
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            _require(str(name)[:100], value, name in known, f"known are {', '.join(known)}")
        return cls(**values)


RANGES = (
    ("tolerance_px", 0.5, 10.0),
    ("diagonal_penalty", 0.0, 1.0),
    ("corner_cost", 0.0, 1.0),
    ("min_iou", 0.0, 1.0),
    ("snap_px", 0.0, 3.0),
)
"""Name, lowest and highest value of each number."""


FLAT_PREFIX = "regularization_"
"""Before the names above where parameters are flat: `regularization_method` in a form, `--regularization-method`."""


def _require(name: str, value: Any, holds: bool, rule: str) -> None:
    if not holds:
        raise ParameterInvalid(parameter=f"regularization.{name}", value=str(value)[:100], rule=rule)
