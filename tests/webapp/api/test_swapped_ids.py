"""Two people: whatever id of the other one stands in a request, the answer is that of an id that nobody has.

On SQLite, where the application's own conditions are the only wall.
"""

import re
import uuid

import httpx
import pytest

from auth.principals import Scope
from models.queries.footprint_pages import PagePlace
from models.upload import UploadPurpose
from tests.support.jobs import add_import
from tests.webapp.api.described import id_places
from tests.webapp.api.made_results import make_result
from tests.webapp.exported import made_export
from webapp.api.main import create_api
from webapp.services import footprints, sessions
from webapp.services.api_keys import create_key
from webapp.services.files import list_files
from webapp.services.footprint_cursors import cursor_of
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes
from webapp.services.own_sessions import list_sessions
from webapp.services.resumable_uploads import UploadWish, create_upload

PLAIN = frozenset({"name", "z", "x", "y", "file", "source_id"})
"""Stand in paths or look like ids, and name nothing that is somebody's."""
ADMINISTRATORS = ("/api/v1/admin/", "/metrics")
"""Routes that refuse everybody else whatever the id."""
BODIES = {
    "/api/v1/ml-processing/extract-buildings": {"scene_id": "{scene_id}", "parameters": {"window_px": 256}},
    "/api/v1/exports": {"job_id": "{job_id}", "format": "csv"},
    "/api/v1/buildings/{building_id}": {"review_state": "accepted"},
}
BOX = {"bbox": "-10,-10,10,10"}
QUERIES = {"/tiles/footprints/view.png": BOX, "/api/v1/buildings/export": BOX}
UNKNOWN = {
    "key_id": "abcdefghij",
    "cursor": cursor_of(PagePlace(None, 1), "nobody's question"),
    "building_id": "987654321",
    "feature_id": "987654321",
    "user_id": "987654",
    "actor_id": "987654",
}
MOMENTS = re.compile(r'"(seen_at|expires_at|last_used_at|timeStamp)":\s*("[^"]*"|null)')
HEADERS = ("content-type", "cache-control", "location", "content-disposition")


def ids_of(api, principal, folder):
    """Give a person something of every kind; return their ids by the names of the parameters."""
    resources = api.resources
    made = make_result(resources, principal, folder)
    sessions.open_browser_session(resources, principal)
    file_id = next(view.id for view in list_files(resources, principal) if view.scene_id == made.scene_id)
    building_id = str(footprints.list_footprints(resources, principal, FootprintQuery())["id"].iloc[0])
    client = api.program(principal)
    page = client.get("/api/v1/buildings?limit=1").json()
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    return {
        "scene_id": made.scene_id,
        "job_id": made.job_id,
        "task_id": made.job_id,
        "import_id": add_import(resources, principal),
        "export_id": made_export(resources, principal, made.job_id).id,
        "file_id": file_id,
        "building_id": building_id,
        "upload_id": create_upload(resources, principal, UploadWish(UploadPurpose.SCENE, "a.tif", 10)).id,
        "collection_id": f"job-{made.job_id}",
        "feature_id": building_id,
        "session_id": list_sessions(resources, principal)[0].id,
        "key_id": create_key(resources, principal, "a key", {Scope.READ}).view.id,
        "user_id": str(principal.user_id),
        "actor_id": str(principal.user_id),
        "target_id": str(principal.user_id),
        "cursor": httpx.URL(following).params["cursor"],
        "before /api/v1/jobs": made.job_id,
        "before /api/v1/files": file_id,
        "before /api/v1/admin/audit-log": "1",
        "after /api/v1/admin/users": "1",
        "target_kind": "user",
        "id /ogc/collections/{collection_id}/items": building_id,
    }


def value_of(ids, place):
    """Return the id for a place. One that nobody has told this test about ends it."""
    for name in (f"{place.name} {place.path}", place.name):
        if name in ids:
            return ids[name]
    raise AssertionError(f"{place} is an id that this test does not know: put it into ids_of, or into PLAIN")


def unknown_for(place, theirs):
    """Return an id of the same form that nobody has."""
    return UNKNOWN.get(place.name) or (theirs if theirs.isdigit() else str(uuid.uuid4()))


def ask(client, place, own, value):
    """Send a request of one's own with one id replaced."""
    paths = {name: own.get(name, "3") for name in re.findall(r"{(\w+)}", place.path)} | {"name": "default"}
    query = dict(QUERIES.get(place.path, {}))
    given = BODIES.get(place.path, {}).items()
    body = {name: text.format(**own) if isinstance(text, str) else text for name, text in given}
    {"path": paths, "query": query, "body": body}[place.where][place.name] = value
    url, method = place.path.format(**paths), place.method
    return client.request(method, url, params=query, json=body if method in ("POST", "PUT", "PATCH") else None)


def shape_of(answer, value):
    """Return all of an answer that could tell something, with the id that was asked for taken out."""
    text = answer.text if "json" in answer.headers.get("content-type", "") else repr(answer.content)
    text = re.sub(r'"request_id":\s*"[^"]*"', "", MOMENTS.sub("", text)).replace(value, "ID")
    return answer.status_code, {name: answer.headers.get(name) for name in HEADERS}, text


@pytest.fixture
def description(sqlite_api):
    return create_api(sqlite_api.resources).openapi()


def snapshot(client, description, own):
    """Return what somebody reads on every route, of all that is theirs and of each thing."""
    seen = {}
    for path, item in description["paths"].items():
        if "get" not in item or path.startswith(ADMINISTRATORS) or path.startswith("/health"):
            continue
        url = path.format(**{"name": "default", "z": "3", "x": "2", "y": "3"} | own)
        answer = client.get(url, params=QUERIES.get(path, {}))
        seen[path] = answer.status_code, MOMENTS.sub("", answer.text)
    return seen


def test_no_id_of_somebody_else_gives_another_answer_than_one_that_nobody_has(
    sqlite_api, description, alice, bob, tmp_path
):
    api = sqlite_api
    places = id_places(description, PLAIN)
    own = ids_of(api, alice, tmp_path)
    program = api.program(alice)
    by_key = api.anonymous(**{"X-API-Key": create_key(api.resources, alice, "mine", {Scope.READ, Scope.WRITE}).key})
    alone = snapshot(program, description, own)
    theirs = ids_of(api, bob, tmp_path)
    feed_indexes(api.resources)
    bobs_client = api.program(bob)
    before = snapshot(bobs_client, description, theirs)
    swaps, leaks = 0, []
    for client in (program, by_key):
        for place in places:
            foreign = value_of(theirs, place)
            unknown = unknown_for(place, foreign)
            for method in ("GET", "HEAD") if place.method == "GET" else (place.method,):
                swapped = type(place)(method, place.path, place.where, place.name)
                given = ask(client, swapped, own, foreign)
                expected = ask(client, swapped, own, unknown)
                swaps += 1
                refused = given.status_code in (400, 403, 404, 405)
                if shape_of(given, foreign) != shape_of(expected, unknown) or not (refused or place.where == "query"):
                    leaks.append(f"{swapped}: {shape_of(given, foreign)} but {shape_of(expected, unknown)}")
    assert not leaks, "\n".join(leaks)
    assert swaps >= 174
    assert snapshot(bobs_client, description, theirs) == before  # nothing of his was touched
    assert snapshot(program, description, own) == alone  # and nothing of hers shows that he is there


def test_an_id_that_the_test_does_not_know_ends_it(description, sqlite_api):
    """The walk finds ids wherever they are put: in a path, a query, a body and what is nested in one."""
    nested = {"properties": {"parts": {"items": {"properties": {"parent_id": {}}}}}}
    described = {
        "paths": {
            "/a/{thing}": {
                "post": {
                    "parameters": [{"in": "path", "name": "thing"}, {"in": "query", "name": "before"}],
                    "requestBody": {"content": {"application/json": {"schema": nested}}},
                }
            }
        }
    }
    found = id_places(described, PLAIN)
    assert {(place.where, place.name) for place in found} == {
        ("path", "thing"),
        ("query", "before"),
        ("body", "parent_id"),
    }
    for place in found:
        with pytest.raises(AssertionError, match="does not know"):
            value_of({}, place)
