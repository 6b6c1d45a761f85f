"""Detector weights as the API shows them."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class ExpectedOut(BaseModel):
    """Of the footprints at or above `threshold`: the share that is right, and the share of all buildings found.

    Measured on validation data, with 95 % intervals.
    """

    model_config = ConfigDict(from_attributes=True)

    threshold: float
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None


class ModelOut(BaseModel):
    """Weights. A scene must have a ground sampling distance between `gsd_min_m` and `gsd_max_m`."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    title: str
    sha256: str
    gsd_min_m: float
    gsd_max_m: float
    gsd_working_m: float
    window_px: int
    stride_px: int
    bands: list[str]
    licence: str | None
    sources: list[str]
    recommended_min_confidence: float
    is_calibrated: bool
    expected: list[ExpectedOut]


class ModelsOut(BaseModel):
    """All weights, the default first."""

    models: list[ModelOut]


class ModelDetailOut(ModelOut):
    """Weights with their model card (names of the STAC Machine Learning Model extension)."""

    card: dict[str, Any]
