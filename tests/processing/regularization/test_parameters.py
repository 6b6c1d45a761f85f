import json
from dataclasses import fields

import pytest

from processing.errors import ParameterInvalid
from processing.params import ExtractionParams
from processing.regularization.parameters import METHODS, RANGES, RegularizationParams


def test_parameters_survive_json():
    params = ExtractionParams(regularization=RegularizationParams(method="any_angle", tolerance_px=2))
    assert ExtractionParams.from_json(json.loads(json.dumps(params.to_json()))) == params


def test_a_job_from_before_there_were_methods_still_loads():
    stored = {"min_confidence": 0.4, "window_px": 2048, "gsd_m": None, "min_area_m2": 4.0, "regularize": False}
    params = ExtractionParams.from_json(stored | {"weights": "default"})
    assert params.regularize is False
    assert params.regularization == RegularizationParams()


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_numbers_out_of_range_are_refused(name, low, high):
    for value in (low, high):
        assert getattr(RegularizationParams(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01, float("nan"), "1", True, None):
        with pytest.raises(ParameterInvalid, match=name):
            RegularizationParams(**{name: value})


def test_every_number_has_a_range():
    assert {name for name, _, _ in RANGES} == {field.name for field in fields(RegularizationParams)} - {"method"}


@pytest.mark.parametrize(
    "values", [{"method": "best"}, {"method": 3}, {"method": []}, {"corners": 4}, [], "auto", None]
)
def test_other_values_are_refused(values):
    with pytest.raises(ParameterInvalid, match="regularization"):
        ExtractionParams.from_json({"regularization": values})


def test_every_method_is_taken():
    assert [RegularizationParams(method=method).method for method in METHODS] == list(METHODS)
