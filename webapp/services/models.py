"""The weights of this installation: which there are, what their cards say, what to expect of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auth.principals import Principal
from processing.detector.catalogue import DEFAULT, JOINT, Catalogue, Installed, member_names, recommended_confidence
from processing.detector.protocol import DetectorCard
from processing.errors import WeightsInvalid, WeightsUnknown
from processing.params import ExtractionParams
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.views import JobView
from webapp.settings import Settings

RATES = ("precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high")


@dataclass(frozen=True, slots=True)
class ExpectedView:
    """Shares at or above a confidence, measured on validation data; each with a 95 % interval, None where unknown."""

    threshold: float
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None


@dataclass(frozen=True, slots=True)
class ModelView:
    """Weights that a job may choose. `card` is the whole model card, empty where the weights came without one."""

    name: str
    title: str
    """The card's own name and version."""
    sha256: str
    gsd_min_m: float
    gsd_max_m: float
    gsd_working_m: float
    window_px: int
    stride_px: int
    bands: tuple[str, ...]
    licence: str | None
    sources: tuple[str, ...]
    recommended_min_confidence: float
    is_calibrated: bool
    expected: tuple[ExpectedView, ...]
    card: Mapping[str, Any]


def catalogue_of(settings: Settings) -> Catalogue:
    """Return the weights of an installation: those in its own folder, and the shipped ones."""
    own = settings.weights_dir or settings.data_dir / "weights"
    replaced = {} if settings.weights_path is None else {DEFAULT: settings.weights_path}
    return Catalogue((own, *Catalogue().folders), replaced)


def card_of(resources: Resources, weights: str) -> DetectorCard:
    """Return what the pipeline must know of weights. Raises `WeightsUnknown`, `WeightsInvalid`, `EnsembleInvalid`."""
    return catalogue_of(resources.settings).card(weights)


def list_models(resources: Resources, principal: Principal) -> list[ModelView]:
    """Return all weights, the default first. Everybody who is signed in may see them."""
    del principal
    return [_view(installed) for installed in catalogue_of(resources.settings).installed()]


def get_model(resources: Resources, principal: Principal, name: str) -> ModelView:
    """Return one set of weights, or of several joined by `+`. Raises `NotFound`, `EnsembleInvalid`."""
    del principal
    catalogue = catalogue_of(resources.settings)
    try:
        members = [catalogue.find(member) for member in member_names(name)]
        card = catalogue.card(name)
    except WeightsUnknown as error:
        raise NotFound(kind="model", id=name[:64]) from error
    return _view(members[0]) if len(members) == 1 else _joint_view(name, card, members)


def recommended_params(resources: Resources, values: Mapping[str, Any]) -> ExtractionParams:
    """Return parameters; where no confidence is given, the one that the weights' card recommends.

    Raises `ParameterInvalid`. Weights that are not installed are left to whoever submits the job.
    """
    params = ExtractionParams.from_json(dict(values))
    if "min_confidence" in values:
        return params
    try:
        installed = [catalogue_of(resources.settings).find(name) for name in member_names(params.weights)]
    except WeightsUnknown:
        return params
    return ExtractionParams.from_json({**values, "min_confidence": recommended_confidence(installed)})


def expected_at(expected: Sequence[ExpectedView], threshold: float) -> ExpectedView | None:
    """Return what to expect at a threshold, between the rows of the table; None beyond its end or without one."""
    if not expected or threshold > expected[-1].threshold:
        return None
    after = next(index for index, row in enumerate(expected) if row.threshold >= threshold)
    high, low = expected[after], expected[max(0, after - 1)]
    span = high.threshold - low.threshold
    share = 1.0 if span <= 0 else (threshold - low.threshold) / span
    rates = {name: _between(getattr(low, name), getattr(high, name), share) for name in RATES}
    return ExpectedView(threshold, **rates)


def expected_of_job(resources: Resources, job: JobView, min_confidence: float) -> ExpectedView | None:
    """Return what to expect of a job's footprints at or above a confidence; None where the weights were not measured.

    A job holds nothing below the confidence that it was asked for, so no less than that counts.
    """
    catalogue = catalogue_of(resources.settings)
    try:
        installed = catalogue.find(str(job.params.get("weights", DEFAULT)))
    except WeightsInvalid:
        return None
    if installed.card.weights_sha256 != job.weights_sha256:
        return None  # other weights lie there now
    return expected_at(_view(installed).expected, max(min_confidence, float(job.params.get("min_confidence", 0.0))))


def _between(low: float | None, high: float | None, share: float) -> float | None:
    return None if low is None or high is None else low + (high - low) * share


def _view(installed: Installed) -> ModelView:
    card, details = installed.card, installed.details
    evaluation = _mapping(details.get("evaluation"))
    inputs = details.get("mlm:input") or [{}]
    return ModelView(
        name=installed.name,
        title=card.name,
        sha256=card.weights_sha256,
        gsd_min_m=card.gsd_min_m,
        gsd_max_m=card.gsd_max_m,
        gsd_working_m=card.gsd_working_m,
        window_px=card.window_px,
        stride_px=card.stride_px,
        bands=tuple(_mapping(inputs[0]).get("bands", ("red", "green", "blue"))),
        licence=details.get("license"),
        sources=tuple(_mapping(_mapping(details.get("training")).get("sources"))),
        recommended_min_confidence=recommended_confidence([installed]),
        is_calibrated=bool(_mapping(evaluation.get("calibration")).get("held_out")),
        expected=tuple(_expected(row) for row in evaluation.get("expected", ())),
        card=details,
    )


def _joint_view(name: str, card: DetectorCard, members: Sequence[Installed]) -> ModelView:
    """Describe an ensemble, which works as its members do. Its precision and recall were not measured."""
    views = [_view(member) for member in members]
    return replace(
        views[0],
        name=name,
        title=card.name,
        sha256=card.weights_sha256,
        gsd_min_m=card.gsd_min_m,
        gsd_max_m=card.gsd_max_m,
        licence=JOINT.join(sorted({view.licence for view in views if view.licence})) or None,
        sources=tuple(dict.fromkeys(source for view in views for source in view.sources)),
        recommended_min_confidence=recommended_confidence(members),
        is_calibrated=False,
        expected=(),
        card={"members": [view.name for view in views]},
    )


def _expected(row: Any) -> ExpectedView:
    values = _mapping(row)
    return ExpectedView(float(values.get("threshold", 0.0)), **{name: values.get(name) for name in RATES})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
