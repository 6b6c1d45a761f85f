"""Jobs of whole states as the API takes them, and the states that there are."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webapp.api.schemas.filters import STATE_MAX_LENGTH


class StateIn(BaseModel):
    """Which state, by name, postal code or FIPS code, and how its buildings are extracted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"state": "PA", "parameters": {"min_confidence": 0.6}}]}
    )

    state: str = Field(min_length=1, max_length=STATE_MAX_LENGTH)
    weights: str | None = Field(None, max_length=256)
    """The same as `weights` among the parameters."""
    parameters: dict[str, Any] = Field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the parameters that were given."""
        return self.parameters if self.weights is None else {**self.parameters, "weights": self.weights}


class StateOut(BaseModel):
    """A state, the District of Columbia or a territory. `scenes`: how many of your scenes show some of it.

    `bounds_deg`: west, south, east, north; west > east over the antimeridian.
    """

    model_config = ConfigDict(from_attributes=True)

    name: str
    code: str
    fips: str
    bounds_deg: tuple[float, float, float, float]
    scenes: int


class StatesOut(BaseModel):
    """All states, by name."""

    states: list[StateOut]
