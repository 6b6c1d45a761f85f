"""Filters in CQL2 text: nothing that anybody writes may hang the process, end it, or pass by the list."""

import random
import time
from contextlib import suppress

import pytest

from models.queries.footprint_conditions import Among, Compared, Joined, Like, MeetsBox, Missing, Negated
from webapp.errors import AppError
from webapp.ogc_errors import FilterInvalid
from webapp.services.cql2_filters import MAX_CHARACTERS, MAX_PARENTHESES, condition_of
from webapp.services.feature_crs import CRS84, SYSTEMS

DEGREES = SYSTEMS[CRS84]
WORDS = (
    *("(", ")", "((", "))", "area_m2", "=", "<", ">", "1", "-", "+", "'x'", "'", '"', ",", "NOT ", " AND ", " OR "),
    *(" IN ", " LIKE ", " BETWEEN ", " IS NULL", "S_INTERSECTS(", "geometry", "BBOX(0,0,1,1)", "POLYGON((", "casei("),
    *("TIMESTAMP('2026-01-01T00:00:00Z')", "true", "id", ";", "\\", "%", "1e999", "\u20ac", "*", "^", "div"),
)


def test_a_filter_becomes_plain_values():
    found = condition_of("5 < area_m2 AND NOT source_id IS NULL OR id IN (1, 2) AND job_id LIKE 'a%'", DEGREES)
    assert found == Joined(
        False,
        (
            Joined(True, (Compared("area_m2", ">", 5.0), Negated(Missing("source_id")))),
            Joined(True, (Among("id", (1, 2)), Like("job_id", "a%"))),
        ),
    )
    assert isinstance(condition_of("S_INTERSECTS(BBOX(0,0,1,1), geometry)", DEGREES), MeetsBox)


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 2000, "(" * MAX_PARENTHESES, ("(" * 10 + "a=1 OR ") * 40, "NOT " * 900 + "TRUE", "-" * 3000 + "1=1"),
        *("(" * 9 + "TRUE" + ")" * 9, "(" * 1000 + "TRUE" + ")" * 1000, "TRUE)", ")(", "'(", "a='" + "(" * 50, ""),
        *("x" * (MAX_CHARACTERS + 1), "id = 1\0", "area_m2 = 1e999", "id = 1e30", "id IN ()", "id = 1; DROP TABLE x"),
        *("area_m2 IN (" + ",".join(["1"] * 200) + ")", "source_id LIKE '\\'", "owner_id = 1", "geometry IS NULL"),
        *("S_INTERSECTS(geometry, POINT(0 91))", "S_INTERSECTS(geometry, POLYGON((0 0,1 1)))", "id = id"),
        *("S_INTERSECTS(geometry, geometry)", "created_at = DATE('2026-01-01')", "area_m2 + 1 > 2", "area_m2 = TRUE"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(text):
    began = time.process_time()
    with pytest.raises(FilterInvalid):
        condition_of(text, DEGREES)
    assert time.process_time() - began < 0.5


def test_random_texts_end_soon_and_without_surprise():
    rng, slowest = random.Random(5), 0.0
    for _ in range(3000):
        text = "".join(rng.choice(WORDS) for _ in range(rng.randint(1, 60)))
        if rng.random() < 0.5:  # most of what is random never gets past the parentheses
            text += ")" * max(0, text.count("(") - text.count(")"))
        began = time.process_time()
        with suppress(AppError):
            condition_of(text, DEGREES)
        slowest = max(slowest, time.process_time() - began)
    assert slowest < 1.0
