import pytest

from pages.upload.scene_card import OUTLINES
from pages.upload.store import AS_DETECTED, values_of
from processing.params import ExtractionParams
from processing.regularization.parameters import METHODS


@pytest.mark.parametrize("outlines", OUTLINES.values())
def test_every_choice_of_outlines_is_a_valid_job(outlines):
    params = ExtractionParams.from_json(values_of(outlines))
    assert params.regularize is (outlines != AS_DETECTED)
    assert not params.regularize or params.regularization.method == outlines


def test_all_methods_can_be_chosen():
    assert set(METHODS) < set(OUTLINES.values())
