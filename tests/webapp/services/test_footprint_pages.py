"""Pages of footprints: every order and filter gives each footprint once, whatever comes or goes meanwhile."""

import base64

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from auth.principals import SYSTEM
from models.footprint_writes import FootprintSource, insert_footprints
from models.queries.footprint_pages import SORT_COLUMNS
from tests.support.footprints import frame_of, squares
from tests.support.jobs import submit
from webapp.building_errors import CursorInvalid
from webapp.errors import RequestInvalid
from webapp.services import footprint_pages
from webapp.services.footprint_cursors import MAX_LENGTH, place_of, question_digest
from webapp.services.footprint_pages import PageQuestion, list_page
from webapp.services.footprints import FootprintQuery

EVERYTHING = FootprintQuery()
FIJI = shapely.MultiPolygon([shapely.box(179.99, -17.0, 180.0, -16.99), shapely.box(-180.0, -17.0, -179.98, -16.99)])


def add(resources, principal, shapes, prefix="k"):
    job = submit(resources, principal)
    frame = frame_of(shapes, prefix)
    frame["area_m2"] = np.arange(len(shapes)) % 5 + 10.0  # many are equal
    frame["confidence"] = np.where(np.arange(len(shapes)) % 3 == 0, np.nan, np.arange(len(shapes)) % 4 / 4)
    with resources.database.write(SYSTEM) as session:
        insert_footprints(session, FootprintSource(job.id, job.scene_id, principal.user_id), frame)
    return job.id


def walk(resources, principal, question, between=lambda: None):
    """Return the rows of all pages."""
    rows, cursor = [], question.cursor
    while True:
        asked = PageQuestion(question.footprints, question.region, question.sort, question.limit, cursor)
        page = list_page(resources, principal, asked)
        assert len(page.batch) <= question.limit
        rows += page.batch.to_pylist()
        cursor = page.next_cursor
        if cursor is None:
            return rows
        between()


def sorted_by(rows, sort):
    """Sort as the pages should: by value, then by id; without value last."""
    column, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    epoch = {"created_at": lambda value: value.timestamp()}.get(column, lambda value: value)
    return sorted(rows, key=lambda row: (row[column] is None, sign * epoch(row[column] or 0), sign * row["id"]))


def test_every_order_gives_each_footprint_once(resources, alice, bob):
    add(resources, alice, squares(37))
    add(resources, bob, squares(9))
    for column in SORT_COLUMNS:
        check_order(resources, alice, column)
        check_order(resources, alice, f"-{column}")


def check_order(resources, alice, sort):
    found = walk(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=5))
    assert len({row["id"] for row in found}) == len(found) == 37
    if sort.lstrip("-") != "created_at":
        assert [row["id"] for row in found] == [row["id"] for row in sorted_by(found, sort)]
    everything = walk(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=1000))
    assert [row["id"] for row in found] == [row["id"] for row in everything]
    moments = [row["created_at"] for row in found]
    assert "created_at" not in sort or moments == sorted(moments, reverse=sort.startswith("-"))


@pytest.mark.parametrize("sort", ["-area_m2", "confidence"])
def test_what_comes_and_goes_meanwhile_moves_no_other(resources, alice, sort):
    add(resources, alice, squares(30))
    before = {row["id"] for row in walk(resources, alice, PageQuestion(EVERYTHING, sort=sort))}
    first = list_page(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=10))
    seen = first.batch.column("id").to_pylist()
    gone = {seen[0], seen[-1], max(before - set(seen))}  # also the very row that the cursor names
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"DELETE FROM building_footprints WHERE id IN ({', '.join(map(str, gone))})"))
    add(resources, alice, squares(8, seed=7), prefix="late-")
    rest = walk(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=10, cursor=first.next_cursor))
    ids = seen + [row["id"] for row in rest]
    assert len(set(ids)) == len(ids)
    assert before - gone <= set(ids)


def test_a_region_holds_what_has_its_centre_in_it(resources, alice, monkeypatch):
    shapes = squares(200)
    add(resources, alice, shapes)
    region = shapely.Polygon([(10.02, 49.9), (10.09, 49.93), (10.05, 49.99)])
    monkeypatch.setattr(footprint_pages, "LOOKED_AT_ONCE", 16)
    monkeypatch.setattr(footprint_pages, "LOOKED_AT_MAX", 16)
    found = walk(resources, alice, PageQuestion(EVERYTHING, region, "-area_m2", 7))
    centres = shapely.centroid(shapes)
    inside = [index for index, centre in enumerate(centres) if region.contains(centre)]
    assert 10 < len(inside) < 100
    assert {row["footprint_key"] for row in found} == {f"k{index}" for index in inside}
    assert footprint_pages.count(resources, alice, PageQuestion(EVERYTHING, region)) == len(inside)
    box = FootprintQuery(bbox_deg=(10.0, 49.9, 10.04, 50.0))
    west = {row["footprint_key"] for row in walk(resources, alice, PageQuestion(box, region, limit=7))}
    assert {f"k{index}" for index in inside if centres[index].x < 10.0399} <= west < {f"k{index}" for index in inside}


def test_a_region_over_the_antimeridian(resources, alice):
    add(resources, alice, [FIJI, *squares(3)])
    for west, east in ((179.9, 180.1), (-180.1, -179.9)):
        region = shapely.box(west, -17.1, east, -16.9)
        assert [row["footprint_key"] for row in walk(resources, alice, PageQuestion(EVERYTHING, region))] == ["k0"]


def test_filters_go_with_every_order(resources, alice):
    job_id = add(resources, alice, squares(40))
    add(resources, alice, squares(5))
    wanted = FootprintQuery(job_id=job_id, min_confidence=0.25, max_area_m2=13)
    for sort in ("id", "-confidence", "area_m2"):
        found = walk(resources, alice, PageQuestion(wanted, sort=sort, limit=3))
        assert {(row["job_id"], row["confidence"] >= 0.25, row["area_m2"] < 13) for row in found} == {
            (job_id, True, True)
        }
        assert len(found) == sum(i % 3 != 0 and i % 4 >= 1 and i % 5 < 3 for i in range(40))


def test_a_cursor_goes_with_its_own_question_and_person_alone(resources, alice, bob):
    add(resources, alice, squares(5))
    cursor = list_page(resources, alice, PageQuestion(EVERYTHING, limit=2)).next_cursor
    assert len(list_page(resources, alice, PageQuestion(EVERYTHING, limit=4, cursor=cursor)).batch) == 3
    for person, query, sort in (
        (alice, EVERYTHING, "-id"),
        (alice, FootprintQuery(min_area_m2=1), "id"),
        (bob, EVERYTHING, "id"),
    ):
        with pytest.raises(CursorInvalid, match="another question"):
            list_page(resources, person, PageQuestion(query, sort=sort, cursor=cursor))


@pytest.mark.parametrize("cursor", ["", "x", "ü", "[]", "W10", "bnVsbA", "A" * MAX_LENGTH * 2, "WzEsMiwzXQ", "-_-_"])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(CursorInvalid):
        place_of(cursor, question_digest(1))


@pytest.mark.parametrize("plain", ['"1"', "-1", "1.5", "true", "null", str(2**63), "1" * 400])
def test_a_cursor_with_no_id_in_it_is_refused(plain):
    digest = question_digest(1)
    text = base64.urlsafe_b64encode(f'["{digest}",null,{plain}]'.encode()).decode()
    with pytest.raises(CursorInvalid):
        place_of(text, digest)


def test_orders_and_states_that_are_none_are_refused(resources, alice):
    for question in (
        PageQuestion(EVERYTHING, sort="owner_id"),
        PageQuestion(EVERYTHING, sort="--id"),
        PageQuestion(FootprintQuery(review_states=frozenset({"maybe"}))),
    ):
        with pytest.raises(RequestInvalid):
            list_page(resources, alice, question)


def test_a_page_is_read_from_an_index_without_sorting(resources, alice, backend, monkeypatch):
    """The plan of a page far behind says so: SQLite names the index, and builds no tree to sort with."""
    if backend != "sqlite":
        pytest.skip("PostgreSQL's planner takes no index for a handful of rows")
    add(resources, alice, squares(30))
    plans = []
    real = footprint_pages.queries._ordered

    def noted(*arguments):
        statement = real(*arguments)
        plans.append(statement)
        return statement

    monkeypatch.setattr(footprint_pages.queries, "_ordered", noted)
    for sort in ("area_m2", "-area_m2", "-confidence", "created_at"):
        page = list_page(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=12))
        list_page(resources, alice, PageQuestion(EVERYTHING, sort=sort, limit=12, cursor=page.next_cursor))
        check_plan(resources, plans[-1], sort)


def check_plan(resources, statement, sort):
    with resources.database.read(SYSTEM) as session:
        compiled = statement.limit(12).compile(session.connection(), compile_kwargs={"literal_binds": True})
        lines = [row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert any(f"ix_building_footprints_owner_id_{sort.lstrip('-')}_id" in line for line in lines), lines
    assert not any("TEMP B-TREE" in line for line in lines), lines
