import json
from dataclasses import replace

import pytest

from auth.principals import SYSTEM
from models.job import ProcessingJob
from processing.errors import EnsembleInvalid, ParameterInvalid, WeightsUnknown
from processing.params import ExtractionParams
from tests.support.jobs import add_scene
from tests.support.made_weights import write_weights
from webapp.errors import NotFound
from webapp.services import jobs, models

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

EXPECTED = [
    {"threshold": 0.05, "precision": 0.2, "precision_low": 0.1, "precision_high": 0.3, "recall": 0.9,
     "recall_low": 0.8, "recall_high": 1.0},
    {"threshold": 0.5, "precision": 0.6, "precision_low": 0.5, "precision_high": 0.7, "recall": 0.5,
     "recall_low": 0.4, "recall_high": 0.6},
    {"threshold": 0.55, "precision": 0.8, "precision_low": 0.7, "precision_high": 0.9, "recall": 0.3,
     "recall_low": 0.2, "recall_high": 0.4},
    {"threshold": 0.95, "precision": None, "precision_low": None, "precision_high": None, "recall": 0.0,
     "recall_low": 0.0, "recall_high": 0.0},
]  # fmt: skip
CARD = {
    "license": "CC-BY-4.0",
    "recommended_min_confidence": 0.35,
    "training": {"sources": {"mine": {}, "theirs": {}}},
    "evaluation": {"calibration": {"held_out": True}, "expected": EXPECTED},
}


@pytest.fixture
def own(resources):
    folder = resources.settings.data_dir / "weights"
    folder.mkdir()
    write_weights(folder / "own.onnx", name="own", gsd_min_m=0.05, gsd_max_m=0.5)
    (folder / "own.json").write_text(json.dumps(CARD))
    write_weights(folder / "other.onnx", name="other", scores=(0.3,))
    write_weights(folder / "large.onnx", name="large", window_px=256)
    return folder


def finished(resources, principal, **params):
    """Return a job as a worker with the installed weights leaves it."""
    job = jobs.submit_extraction(resources, principal, add_scene(resources, principal), ExtractionParams(**params))
    with resources.database.write(SYSTEM) as session:
        row = session.get(ProcessingJob, job.id)
        row.weights_sha256 = models.card_of(resources, job.params["weights"]).weights_sha256
    return jobs.get_job(resources, principal, job.id)


def test_weights_of_the_installation_lie_beside_the_shipped_ones(resources, alice, own):
    found = models.list_models(resources, alice)
    assert [view.name for view in found] == ["default", "large", "other", "own"]
    view = found[-1]
    assert (view.licence, view.sources, view.is_calibrated) == ("CC-BY-4.0", ("mine", "theirs"), True)
    assert (view.gsd_min_m, view.gsd_max_m, view.recommended_min_confidence) == (0.05, 0.5, 0.35)
    assert view.card == CARD
    assert models.get_model(resources, alice, "own") == view


def test_an_ensemble_is_described_but_promises_nothing_that_was_not_measured(resources, alice, own):
    view = models.get_model(resources, alice, "own+other")
    assert (view.gsd_max_m, view.expected, view.is_calibrated) == (0.5, (), False)
    with pytest.raises(EnsembleInvalid):
        models.get_model(resources, alice, "own+large")
    with pytest.raises(NotFound):
        models.get_model(resources, alice, "own+nothing")


def test_jobs_take_named_weights_and_ensembles_that_go_together(resources, alice, own):
    scene_id = add_scene(resources, alice)
    for weights in ("own", "own+other"):
        job = jobs.submit_extraction(resources, alice, scene_id, ExtractionParams(weights=weights))
        assert job.params["weights"] == weights
    with pytest.raises(EnsembleInvalid):
        jobs.submit_extraction(resources, alice, scene_id, ExtractionParams(weights="own+large"))
    with pytest.raises(WeightsUnknown, match="installed: default, large, other, own"):
        jobs.submit_extraction(resources, alice, scene_id, ExtractionParams(weights="nothing"))


def test_the_confidence_is_what_the_card_recommends_unless_given(resources, own):
    assert models.recommended_params(resources, {"weights": "own"}).min_confidence == 0.35
    assert models.recommended_params(resources, {"weights": "other"}).min_confidence == 0.5
    assert models.recommended_params(resources, {"weights": "own+other"}).min_confidence == 0.35
    assert models.recommended_params(resources, {"weights": "own", "min_confidence": 0.9}).min_confidence == 0.9
    with pytest.raises(ParameterInvalid):
        models.recommended_params(resources, {"unknown": 1})


def test_what_to_expect_lies_between_the_rows_of_the_table(resources, alice, own):
    expected = models.get_model(resources, alice, "own").expected
    at = models.expected_at(expected, 0.51)
    assert (at.threshold, at.precision, at.recall) == pytest.approx((0.51, 0.64, 0.46))
    assert models.expected_at(expected, 0.01).recall == 0.9
    assert models.expected_at(expected, 0.9).precision is None
    assert models.expected_at(expected, 0.96) is None
    assert models.expected_at((), 0.5) is None


def test_a_jobs_own_confidence_is_the_least_that_counts(resources, alice, own):
    job = finished(resources, alice, weights="own", min_confidence=0.5)
    assert models.expected_of_job(resources, job, 0.0).threshold == 0.5
    assert models.expected_of_job(resources, job, 0.55).precision == pytest.approx(0.8)


def test_nothing_is_promised_for_weights_that_are_gone_or_were_not_measured(resources, alice, own):
    job = finished(resources, alice, weights="own")
    assert models.expected_of_job(resources, replace(job, weights_sha256="0" * 64), 0.5) is None
    assert models.expected_of_job(resources, finished(resources, alice, weights="other"), 0.5) is None
    (own / "own.onnx").unlink()
    assert models.expected_of_job(resources, job, 0.5) is None


def test_an_ensemble_of_a_job_promises_nothing(resources, alice, own):
    assert models.expected_of_job(resources, finished(resources, alice, weights="own+other"), 0.5) is None
