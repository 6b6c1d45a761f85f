"""No column of a table can be set from outside but those that a request is for: all others are refused, by name."""

from collections import defaultdict
from dataclasses import fields

import pytest
from sqlalchemy import select

from auth.principals import SYSTEM
from models.tables import metadata
from processing.params import ExtractionParams
from tests.support.jobs import add_scene
from tests.support.people import make_person
from tests.webapp.api.described import json_bodies
from webapp.api.main import create_api

COLUMNS = {column.name for table in metadata.tables.values() for column in table.columns}
GRANTING = {"role", "tier", "user_id", "owner_id", "status", "state", "id", "is_active", "password_hash", "scopes"}
NOBODY = "00000000-0000-0000-0000-000000000000"
PASSWORD = "long enough to be a password"
VALID = {
    "/api/v1/auth/login": {"username": "target", "password": PASSWORD},
    "/api/v1/auth/register": {"username": "new", "email": "new@here.example", "password": PASSWORD},
    "/api/v1/auth/register/confirm": {"token": "x"},
    "/api/v1/auth/refresh-token": {"refresh_token": "x.y"},
    "/api/v1/auth/password": {"current_password": PASSWORD, "new_password": PASSWORD + "!"},
    "/api/v1/auth/password/forgotten": {"email": "target@here.example"},
    "/api/v1/auth/password/reset": {"token": "x", "new_password": PASSWORD},
    "/api/v1/auth/generate-api-key": {"name": "a key"},
    "/api/v1/ml-processing/extract-buildings": {"scene_id": NOBODY},
    "/api/v1/exports": {"job_id": NOBODY},
    "/api/v1/admin/users": {"username": "another"},
}
"""What would be taken without the rest; bodies that are not here are good when empty."""


@pytest.fixture
def bodies(sqlite_api):
    """Return method, path and field names of every JSON body."""
    return json_bodies(create_api(sqlite_api.resources).openapi())


def rows_of(resources):
    """Return everything that is stored, but when sessions were used last."""
    with resources.database.read(SYSTEM) as session:
        return {
            name: sorted(map(repr, session.execute(select(*(c for c in table.columns if c.name != "seen_at")))))
            for name, table in metadata.tables.items()
        }


def test_every_json_body_names_each_column_that_it_is_not_made_for(sqlite_api, bodies, administrator):
    client, target = sqlite_api.program(administrator), make_person(sqlite_api.resources, "target")
    ids = defaultdict(lambda: NOBODY, user_id=str(target.user_id), building_id="1")
    before, sent, let_in = rows_of(sqlite_api.resources), 0, []
    for method, path, known in bodies:
        foreign = (COLUMNS | GRANTING) - known
        body = VALID.get(path, {}) | dict.fromkeys(sorted(foreign), 1)
        answer = client.request(method, path.format_map(ids), json=body)
        sent += len(foreign)
        named = answer.json()["parameters"].get("errors", [])
        refused = {one["where"] for one in named if one["what"] == "Extra inputs are not permitted"}
        if answer.status_code != 422 or refused != {f"body.{name}" for name in foreign}:
            let_in.append(f"{method} {path}: {answer.status_code} {foreign - {one[5:] for one in refused}}")
    assert not let_in, "\n".join(let_in)
    assert sent >= 1_400
    assert rows_of(sqlite_api.resources) == before


def test_the_parameters_of_an_extraction_are_no_back_door(sqlite_api, alice):
    client, scene_id = sqlite_api.program(alice), add_scene(sqlite_api.resources, alice)
    before = rows_of(sqlite_api.resources)
    for name in sorted((COLUMNS | GRANTING) - {field.name for field in fields(ExtractionParams)}):
        body = {"scene_id": scene_id, "parameters": {name: 1}}
        answer = client.post("/api/v1/ml-processing/extract-buildings", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "ParameterInvalid"), name
    assert rows_of(sqlite_api.resources) == before


def test_the_fields_that_grant_something_are_among_what_is_sent(bodies):
    granting = {(path, name) for _, path, known in bodies for name in known & GRANTING}
    assert granting == {
        ("/api/v1/admin/users", "role"),
        ("/api/v1/admin/users/{user_id}", "role"),
        ("/api/v1/admin/users/{user_id}", "tier"),
        ("/api/v1/admin/users/{user_id}", "is_active"),
        ("/api/v1/auth/generate-api-key", "scopes"),  # never more than one's own
        ("/api/v1/ml-processing/process-state", "state"),  # of the USA
        ("/api/v1/exports", "state"),
    }
