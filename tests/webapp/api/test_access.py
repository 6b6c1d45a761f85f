"""Every route for every kind of person. A route that is not in the table fails the test."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import jwt
import pytest
from sqlalchemy import update
from starlette.routing import BaseRoute, Mount, Route

from auth.principals import SYSTEM, Role, Scope
from auth.tokens import AccessClaims, sign_access_token
from models.upload import UploadPurpose
from models.user import User
from tests.support.jobs import add_import
from tests.support.people import make_person
from tests.webapp.api.made_results import make_result
from tests.webapp.exported import made_export
from webapp.api.main import create_api
from webapp.services import footprints
from webapp.services.api_keys import create_key, revoke_key
from webapp.services.files import list_files
from webapp.services.footprints import FootprintQuery
from webapp.services.own_sessions import list_sessions
from webapp.services.resumable_uploads import UploadWish, create_upload


@dataclass(frozen=True)
class Expected:
    """Statuses for anonymous, owner, another user, administrator; `path` with the owner's ids filled in."""

    statuses: tuple[int, int, int, int]
    query: str = ""
    json: object = None

    def status_for(self, who: str) -> int:
        """Somebody premium is another user here; whose credentials do not hold is anonymous."""
        anonymous, owner, other, administrator = self.statuses
        known = {"owner": owner, "other": other, "premium": other, "administrator": administrator}
        return known.get(who, anonymous)


EXTRACT = {"scene_id": "{scene_id}", "parameters": {"window_px": 256}}
EXPORT = {"job_id": "{job_id}", "format": "csv"}
TABLE: dict[tuple[str, str], Expected] = {
    ("POST", "/api/v1/auth/login"): Expected((422, 422, 422, 422), json={}),
    ("POST", "/api/v1/auth/refresh-token"): Expected((422, 422, 422, 422), json={}),
    ("GET", "/api/v1/auth/me"): Expected((401, 200, 200, 200)),
    ("POST", "/api/v1/auth/register"): Expected((422, 422, 422, 422), json={}),
    ("POST", "/api/v1/auth/register/confirm"): Expected((400, 400, 400, 400), json={"token": "x"}),
    ("POST", "/api/v1/auth/password"): Expected((401, 422, 422, 422), json={}),
    ("POST", "/api/v1/auth/password/forgotten"): Expected((403, 403, 403, 403), json={"email": "a@b.example"}),
    ("POST", "/api/v1/auth/password/reset"): Expected((422, 422, 422, 422), json={}),
    ("GET", "/api/v1/auth/sessions"): Expected((401, 200, 200, 200)),
    ("DELETE", "/api/v1/auth/sessions"): Expected((401, 204, 204, 204)),
    ("DELETE", "/api/v1/auth/sessions/{session_id}"): Expected((401, 404, 404, 404)),
    ("POST", "/api/v1/auth/generate-api-key"): Expected((401, 201, 201, 201), json={"name": "pipeline"}),
    ("GET", "/api/v1/auth/api-keys"): Expected((401, 200, 200, 200)),
    ("DELETE", "/api/v1/auth/api-keys/{key_id}"): Expected((401, 204, 404, 404)),
    ("GET", "/register"): Expected((403, 403, 403, 403)),
    ("GET", "/confirm-account"): Expected((403, 403, 403, 403)),
    ("GET", "/forgotten-password"): Expected((403, 403, 403, 403)),
    ("GET", "/reset-password"): Expected((403, 403, 403, 403)),
    ("GET", "/api/v1/admin/dashboard"): Expected((401, 403, 403, 200)),
    ("GET", "/api/v1/admin/system/health"): Expected((401, 403, 403, 200)),
    ("GET", "/api/v1/admin/users"): Expected((401, 403, 403, 200)),
    ("POST", "/api/v1/admin/users"): Expected((401, 403, 403, 201), json={"username": "newcomer"}),
    ("GET", "/api/v1/admin/users/{user_id}"): Expected((401, 403, 403, 200)),
    ("PATCH", "/api/v1/admin/users/{user_id}"): Expected((401, 403, 403, 200), json={"tier": "premium"}),
    ("POST", "/api/v1/admin/cleanup"): Expected((401, 403, 403, 200), json={"older_than_days": 1}),
    ("GET", "/api/v1/admin/audit-log"): Expected((401, 403, 403, 200)),
    ("GET", "/login"): Expected((200, 200, 200, 200)),
    ("POST", "/login"): Expected((403, 403, 403, 403)),
    ("GET", "/login/oidc"): Expected((404, 404, 404, 404)),
    ("GET", "/login/oidc/callback"): Expected((400, 400, 400, 400)),
    ("POST", "/api/v1/ml-processing/upload-image"): Expected((401, 415, 415, 415)),
    ("POST", "/api/v1/ml-processing/extract-buildings"): Expected((401, 202, 404, 202), json=EXTRACT),
    ("POST", "/api/v1/ml-processing/estimate"): Expected((401, 200, 404, 200), json=EXTRACT),
    ("GET", "/api/v1/ml-processing/task-status/{task_id}"): Expected((401, 200, 404, 200)),
    ("POST", "/api/v1/ml-processing/process-state"): Expected((401, 202, 422, 422), json={"state": "Georgia"}),
    ("GET", "/api/v1/ml-processing/states"): Expected((401, 200, 200, 200)),
    ("PUT", "/api/v1/scenes"): Expected((401, 400, 400, 400), query="?name=nothing.tif"),
    ("GET", "/api/v1/scenes"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/scenes/{scene_id}"): Expected((401, 200, 404, 200)),
    ("OPTIONS", "/api/v1/uploads"): Expected((401, 204, 204, 204)),
    ("POST", "/api/v1/uploads"): Expected((401, 422, 422, 422)),
    ("GET", "/api/v1/uploads/{upload_id}"): Expected((401, 200, 404, 404)),
    ("PATCH", "/api/v1/uploads/{upload_id}"): Expected((401, 415, 404, 404)),
    ("POST", "/api/v1/imports"): Expected((401, 415, 415, 415)),
    ("GET", "/api/v1/imports"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/imports/{import_id}"): Expected((401, 200, 404, 200)),
    ("GET", "/api/v1/files"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/files/{file_id}"): Expected((401, 200, 404, 200)),
    ("GET", "/api/v1/jobs"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/jobs/statistics"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/jobs/{job_id}"): Expected((401, 200, 404, 200)),
    ("POST", "/api/v1/jobs/{job_id}/cancel"): Expected((401, 200, 404, 200)),
    ("POST", "/api/v1/jobs/{job_id}/retry"): Expected((401, 409, 404, 409)),
    ("GET", "/api/v1/jobs/{job_id}/logs"): Expected((401, 200, 404, 200)),
    ("GET", "/api/v1/buildings"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/buildings/{building_id:int}"): Expected((401, 200, 404, 200)),
    ("PUT", "/api/v1/buildings/{building_id:int}"): Expected((401, 428, 404, 428), json={"review_state": "accepted"}),
    ("GET", "/api/v1/buildings/statistics/overview"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/buildings/statistics/view"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("GET", "/api/v1/buildings/export"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("POST", "/api/v1/exports"): Expected((401, 202, 404, 202), json=EXPORT),
    ("GET", "/api/v1/exports"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/exports/{export_id}"): Expected((401, 200, 404, 200)),
    ("GET", "/api/v1/exports/{export_id}/file"): Expected((401, 200, 404, 200)),
    ("POST", "/api/v1/exports/{export_id}/link"): Expected((401, 201, 404, 201), json={"expires_in_minutes": 5}),
    ("POST", "/api/v1/files/{file_id}/link"): Expected((401, 201, 404, 201)),
    ("GET", "/api/v1/downloads/export/{export_id}"): Expected((403, 403, 403, 403)),
    ("GET", "/api/v1/downloads/file/{file_id}"): Expected((403, 403, 403, 403), query="?signature=x.y"),
    ("GET", "/api/v1/models"): Expected((401, 200, 200, 200)),
    ("GET", "/api/v1/models/{name}"): Expected((401, 200, 200, 200)),
    ("GET", "/tiles/base/{z}/{x}/{y}.png"): Expected((401, 200, 200, 200)),
    ("GET", "/tiles/scenes/{scene_id}/{z}/{x}/{y}.png"): Expected((401, 200, 404, 200)),
    ("GET", "/tiles/footprints/{z}/{x}/{y}.png"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("GET", "/tiles/footprints/{z}/{x}/{y}.mvt"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("GET", "/tiles/footprints/tiles.json"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("GET", "/tiles/footprints/raster.json"): Expected((401, 200, 404, 200), query="?job_id={job_id}"),
    ("GET", "/tiles/footprints/legend"): Expected((401, 200, 200, 200), query="?colour_by=job"),
    ("GET", "/tiles/footprints/view.png"): Expected((401, 200, 404, 200), query="?job_id={job_id}&bbox=-10,-10,10,10"),
    ("GET", "/ogc"): Expected((401, 200, 200, 200)),
    ("GET", "/ogc/conformance"): Expected((401, 200, 200, 200)),
    ("GET", "/ogc/api"): Expected((401, 200, 200, 200)),
    ("GET", "/ogc/collections"): Expected((401, 200, 200, 200)),
    ("GET", "/ogc/collections/{collection_id}"): Expected((401, 200, 404, 200)),
    ("GET", "/ogc/collections/{collection_id}/queryables"): Expected((401, 200, 404, 200)),
    ("GET", "/ogc/collections/{collection_id}/schema"): Expected((401, 200, 404, 200)),
    ("GET", "/ogc/collections/{collection_id}/items"): Expected((401, 200, 404, 200)),
    ("GET", "/ogc/collections/{collection_id}/items/{feature_id}"): Expected((401, 200, 404, 200)),
    ("GET", "/health"): Expected((503, 503, 503, 503)),
    ("GET", "/health/live"): Expected((200, 200, 200, 200)),
    ("GET", "/health/ready"): Expected((503, 503, 503, 503)),
    ("GET", "/metrics"): Expected((401, 403, 403, 200)),
    ("GET", "/docs"): Expected((303, 200, 200, 200)),
    ("GET", "/redoc"): Expected((303, 200, 200, 200)),
    ("GET", "/docs/{name}"): Expected((303, 200, 200, 200)),
    ("GET", "/favicon.ico"): Expected((200, 200, 200, 200)),
    ("GET", "/api/v1/openapi.json"): Expected((401, 200, 200, 200)),
    ("GET", "/assets/css"): Expected((404, 404, 404, 404), query="/nothing.css"),
    ("GET", "/assets/icons"): Expected((404, 404, 404, 404), query="/nothing.svg"),
    ("GET", "/assets/js"): Expected((404, 404, 404, 404), query="/nothing.js"),
    # These end something, so they come last.
    ("DELETE", "/api/v1/exports/{export_id}"): Expected((401, 204, 404, 204)),
    ("DELETE", "/api/v1/buildings/{building_id:int}"): Expected((401, 204, 404, 404)),
    ("DELETE", "/api/v1/uploads/{upload_id}"): Expected((401, 204, 404, 404)),
    ("DELETE", "/api/v1/files/{file_id}"): Expected((401, 409, 404, 409)),
    ("DELETE", "/api/v1/scenes/{scene_id}"): Expected((401, 409, 404, 409)),
    ("POST", "/api/v1/admin/users/{user_id}/reset-password"): Expected((401, 403, 403, 200)),
    ("DELETE", "/api/v1/imports/{import_id}"): Expected((401, 409, 404, 409)),
    ("DELETE", "/api/v1/jobs/{job_id}"): Expected((401, 204, 404, 404)),
    ("POST", "/api/v1/auth/logout"): Expected((401, 204, 204, 204)),
    ("POST", "/logout"): Expected((303, 303, 303, 303)),
}


def all_routes(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Walk routes, also those of mounts and of routers inside routers."""
    for route in routes:
        if isinstance(route, Mount):
            inner = list(route.routes or [])
            yield from all_routes(inner, prefix + route.path) if inner else iter([("GET", prefix + route.path)])
        elif isinstance(route, Route):
            yield from ((method, prefix + route.path) for method in (route.methods or {"GET"}) - {"HEAD"})
        elif hasattr(route, "effective_route_contexts"):
            for context in route.effective_route_contexts():
                yield from ((method, prefix + context.path) for method in context.methods - {"HEAD"})
        else:
            raise AssertionError(f"{route!r}: a kind of route that this walk does not know")


def nobodies(api, alice):
    """Clients with credentials that do not hold, and one without any."""
    resources, key = api.resources, api.resources.settings.secret_key_bytes
    disabled = make_person(resources, "disabled")
    shut_out = api.program(disabled)
    with resources.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.id == disabled.user_id).values(is_active=False))
    revoked = create_key(resources, alice, "revoked", {Scope.READ, Scope.WRITE})
    revoke_key(resources, alice, revoked.view.id)
    api.program(alice)
    claims = AccessClaims(alice.user_id, list_sessions(resources, alice)[0].id)
    expired = sign_access_token(key, claims, time.time() - 3600, 60)
    payload = jwt.decode(sign_access_token(key, claims, time.time(), 600), options={"verify_signature": False})
    elsewhere = jwt.encode(payload | {"aud": "another-service"}, key, algorithm="HS256")
    return {
        "anonymous": api.anonymous(),
        "disabled": shut_out,
        "expired": api.anonymous(Authorization=f"Bearer {expired}"),
        "revoked key": api.anonymous(**{"X-API-Key": revoked.key}),
        "wrong audience": api.anonymous(Authorization=f"Bearer {elsewhere}"),
    }


def test_the_table_lists_every_route_and_no_other(resources):
    found = set(all_routes(create_api(resources).routes))
    assert found == set(TABLE)


def made_things(resources, owner, result):
    """What stands in the paths of the table: ids of things that are the owner's, and coordinates of a tile."""
    first_building = str(footprints.list_footprints(resources, owner, FootprintQuery())["id"][0])
    return {
        "scene_id": result.scene_id,
        "job_id": result.job_id,
        "task_id": result.job_id,
        "import_id": add_import(resources, owner),
        "export_id": made_export(resources, owner, result.job_id).id,
        "file_id": next(view.id for view in list_files(resources, owner) if view.scene_id == result.scene_id),
        "building_id": first_building,
        "collection_id": f"job-{result.job_id}",
        "feature_id": first_building,
        "upload_id": create_upload(resources, owner, UploadWish(UploadPurpose.SCENE, "a.tif", 10)).id,
        "name": "swagger-ui.css",
        "user_id": str(make_person(resources, "somebody").user_id),
        "session_id": "00000000-0000-0000-0000-000000000000",
        "key_id": create_key(resources, owner, "of alice", {Scope.READ}).view.id,
        "z": "3",
        "x": "2",
        "y": "3",
    }


def test_each_person_gets_what_the_table_says(api, alice, bob, administrator, tmp_path):
    result = make_result(api.resources, alice, tmp_path)
    values = made_things(api.resources, alice, result)
    people = {
        "owner": api.program(alice),
        "other": api.program(bob),
        "premium": api.program(make_person(api.resources, "paula", Role.PREMIUM)),
        "administrator": api.program(administrator),
    }
    clients = nobodies(api, alice) | people
    unexpected, cells = [], 0
    for (method, path), expected in TABLE.items():
        url = (path.replace(":int}", "}") + expected.query).format(**values)
        body = expected.json
        if path == "/api/v1/models/{name}":
            url = "/api/v1/models/default"
        if body is EXTRACT:
            body = EXTRACT | {"scene_id": result.scene_id}
        if body is EXPORT:
            body = EXPORT | {"job_id": result.job_id}
        for who, client in clients.items():
            status = expected.status_for(who)
            if path == "/logout":
                client.headers.pop("Authorization", None)  # signed out just now
            cells += 1
            answer = client.request(method, url, json=body)
            if answer.status_code != status:
                unexpected.append(f"{method} {url} as {who}: {answer.status_code}, not {status}: {answer.text[:200]}")
            if answer.status_code >= 400 and path.startswith(("/api/", "/tiles/", "/ogc")):
                assert answer.headers["content-type"] == "application/problem+json", url
                assert answer.json()["code"], url
    assert not unexpected, "\n".join(unexpected)
    assert cells == len(TABLE) * 9


def test_lists_and_sums_never_show_what_is_others(api, alice, bob, administrator, tmp_path):
    result = make_result(api.resources, alice, tmp_path)
    west, south, east, north = result.bounds_deg
    box = f"bbox={west},{south},{east},{north}"
    for person, visible in ((alice, True), (bob, False), (administrator, True)):
        client = api.program(person)
        assert bool(client.get("/api/v1/scenes").json()["scenes"]) is visible
        assert bool(client.get("/api/v1/jobs").json()["jobs"]) is visible
        for query in (box, f"job_id={result.job_id}", f"scene_id={result.scene_id}", ""):
            expected = result.footprint_count if visible else 0
            assert client.get(f"/api/v1/buildings?{query}").json()["numberMatched"] == expected
            assert client.get(f"/api/v1/buildings/statistics/overview?{query}").json()["count"] == expected
            assert client.get(f"/ogc/collections/buildings/items?{query}").json()["numberMatched"] == expected
        for query in (f"view={box[5:]}", f"scene_id={result.scene_id}", ""):
            expected = result.footprint_count if visible else 0
            assert client.get(f"/api/v1/buildings/statistics/view?{query}").json()["count"] == expected
        features = client.get(f"/api/v1/buildings/export?{box}").json()["features"]
        assert len(features) == (result.footprint_count if visible else 0)
        tile = client.get("/tiles/footprints/3/2/3.png")
        empty = client.get("/tiles/footprints/3/0/0.png")
        assert (tile.content != empty.content) is visible
        assert bool(client.get("/tiles/footprints/3/2/3.mvt").content) is visible
        assert bool(client.get("/tiles/footprints/legend?colour_by=job").json()["entries"]) is visible
        world = client.get("/tiles/footprints/tiles.json").json()["bounds"][0] == -180
        assert world is not visible


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 100_000, "%00", "Bearer"])
def test_a_wrong_token_is_nobody(shared_api, sam, token):
    client = shared_api.browser(sam)
    client.headers["Authorization"] = f"Bearer {token}"
    answer = client.get("/api/v1/auth/me")
    assert answer.status_code in (401, 431, 400)


def test_a_session_that_ended_is_over_within_a_second_everywhere(api, alice):
    from webapp.services import sessions

    program, browser = api.program(alice), api.browser(alice)
    assert program.get("/api/v1/auth/me").status_code == browser.get("/api/v1/auth/me").status_code == 200
    assert program.post("/api/v1/auth/logout").status_code == 204
    assert program.get("/api/v1/auth/me").status_code == 401  # at once in this process
    session_id = sessions.principal_of_cookie(api.resources, browser.headers["Cookie"].partition("=")[2]).session_id
    sessions.close_session(api.resources, session_id)  # as another process would
    time.sleep(1.0)
    assert browser.get("/api/v1/auth/me").status_code == 401
