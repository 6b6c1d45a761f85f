from pathlib import Path

import numpy as np
import pytest
import shapely

from processing.errors import StateUnknown
from processing.us_states import CODES_BY_FIPS, load_us_states

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "basemap"
STATES = load_us_states(FOLDER)


@pytest.mark.parametrize("wanted", ["Pennsylvania", "PENNSYLVANIA", " pennsylvania ", "PA", "pa", "42"])
def test_a_state_is_found_by_name_code_and_number_in_any_case(wanted):
    found = STATES.find(wanted)
    assert (found.name, found.code, found.fips) == ("Pennsylvania", "PA", "42")


def test_all_states_the_district_and_the_territories_are_there_once():
    assert len(list(STATES)) == len(CODES_BY_FIPS) == 56
    assert {state.fips: state.code for state in STATES} == CODES_BY_FIPS
    assert [state.name for state in STATES] == sorted(state.name for state in STATES)
    assert all(state.outline.is_valid and state.outline.area > 0 for state in STATES)
    assert STATES.find("district of columbia").code == "DC"
    assert STATES.find("united states virgin islands").code == "VI"


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("Pensylvania", "Pennsylvania"), ("Colorodo", "Colorado"), ("West Virgina", "West Virginia")],
)
def test_what_is_unknown_is_refused_with_the_nearest_names(wanted, nearest):
    with pytest.raises(StateUnknown) as refusal:
        STATES.find(wanted)
    assert refusal.value.code == "StateUnknown"
    assert refusal.value.parameters["nearest"].startswith(nearest)


@pytest.mark.parametrize("wanted", ["", "ZZ", "99", "x" * 10_000])
def test_what_is_like_nothing_is_refused(wanted):
    with pytest.raises(StateUnknown):
        STATES.find(wanted)


def test_bounds_over_the_antimeridian_are_those_of_the_land_and_not_of_the_world():
    west, south, east, north = STATES.find("AK").bounds_deg
    assert 170 < west < 180
    assert -132 < east < -129
    assert (51 < south < 52, 71 < north < 72) == (True, True)
    assert STATES.find("CO").bounds_deg == STATES.find("CO").outline.bounds


def test_an_outline_meets_the_states_that_it_shares_ground_with():
    corners = shapely.box(-109.2, 36.8, -108.9, 37.2)  # where four states meet
    ocean = shapely.box(-40, 30, -39, 31)
    pairs = STATES.meeting([ocean, corners])
    assert set(pairs[0].tolist()) == {1}
    assert {list(STATES)[number].code for number in pairs[1]} == {"AZ", "CO", "NM", "UT"}
    assert STATES.meeting([ocean]).shape == (2, 0)


def test_surveyed_corners_lie_within_what_the_docs_say():
    surveyed = [(-109.045183, 36.998979), (-74.694914, 41.357423), (-102.04212, 36.993083), (-80.519342, 39.721209)]
    corners = np.vstack([shapely.get_coordinates(state.outline) for state in STATES])
    for lon_deg, lat_deg in surveyed:
        away_m = (corners - (lon_deg, lat_deg)) * 111_320 * (np.cos(np.radians(lat_deg)), 1)
        assert np.hypot(*away_m.T).min() < 120
