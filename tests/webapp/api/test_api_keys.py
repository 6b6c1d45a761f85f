"""API keys: what they reach, what they do not, and that they end."""

import time

import pytest

from auth.principals import SYSTEM, Scope
from models.api_key import ApiKey
from tests.support.people import make_person
from webapp.services import api_keys


def with_key(api, principal, *scopes, **limits):
    made = api_keys.create_key(api.resources, principal, "test", set(scopes), **limits)
    return made, api.anonymous(**{"X-API-Key": made.key})


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(api, alice):
    client = api.program(alice)
    made = client.post("/api/v1/auth/generate-api-key", json={"name": "nightly", "expires_in_days": 30}).json()
    program = api.anonymous(**{"X-API-Key": made["api_key"]})
    me = program.get("/api/v1/auth/me").json()
    assert (me["username"], me["api_key_id"], me["scopes"]) == ("alice", made["id"], ["read", "write"])
    listed = client.get("/api/v1/auth/api-keys")
    [key] = listed.json()["api_keys"]
    assert (key["id"], key["name"], key["last_used_at"] is not None) == (made["id"], "nightly", True)
    secret = made["api_key"].rpartition("_")[2]
    assert secret not in listed.text
    with api.resources.database.read(SYSTEM) as session:
        assert secret[:20] not in session.get(ApiKey, made["id"]).secret_hash
    assert client.delete(f"/api/v1/auth/api-keys/{made['id']}").status_code == 204
    assert program.get("/api/v1/auth/me").status_code == 401
    assert not client.get("/api/v1/auth/api-keys").json()["api_keys"]


def test_scopes_hold(api, alice):
    _, reader = with_key(api, alice, Scope.READ)
    _, writer = with_key(api, alice, Scope.WRITE)
    assert reader.get("/api/v1/jobs").status_code == 200
    refused = reader.put("/api/v1/scenes?name=a.tif", content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (403, "Forbidden")
    assert writer.put("/api/v1/scenes?name=a.tif", content=b"x").status_code != 403
    assert writer.get("/api/v1/jobs").status_code == 403


def test_a_key_never_reaches_the_account_or_pages(api, alice):
    _, program = with_key(api, alice, Scope.READ, Scope.WRITE)
    refused = [
        program.post("/api/v1/auth/generate-api-key", json={"name": "child"}),
        program.get("/api/v1/auth/api-keys"),
        program.get("/api/v1/auth/sessions"),
        program.post("/api/v1/auth/password", json={"current_password": "a", "new_password": "b" * 8}),
        program.post("/api/v1/auth/logout"),
        program.get("/docs"),
    ]
    assert {answer.status_code for answer in refused} == {403}


def test_only_administrators_give_keys_the_scope_of_administrators(api, alice, administrator):
    wish = {"name": "boss", "scopes": ["read", "admin"]}
    refused = api.program(alice).post("/api/v1/auth/generate-api-key", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (403, "Forbidden")
    assert api.program(administrator).post("/api/v1/auth/generate-api-key", json=wish).status_code == 201


@pytest.mark.parametrize(
    "wish",
    [
        {"name": ""},
        {"name": "line\nbreak"},
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["everything"]},
        {"name": "a", "expires_in_days": 0},
        {"name": "a", "expires_in_days": 1e400},
        {"name": "a", "user_id": 1},
    ],
)
def test_a_wrong_wish_is_refused(shared_api, sam, wish):
    client = shared_api.program(sam)
    content = str(wish).replace("'", '"').replace("inf", "1e999")
    answer = client.post(
        "/api/v1/auth/generate-api-key", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "RequestInvalid")


def test_a_key_ends_with_its_time_and_with_its_account(api, alice, monkeypatch):
    _, program = with_key(api, alice, Scope.READ, life_days=1.5 / 86_400)
    assert program.get("/api/v1/auth/me").status_code == 200
    time.sleep(2.3)
    assert program.get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize("change", ["id", "secret", "checksum", "case", "empty", "long"])
def test_a_forged_key_is_nobody(shared_api, sam, change):
    made, _ = with_key(shared_api, sam, Scope.READ)
    other, _ = with_key(shared_api, sam, Scope.READ)
    forged = {
        "id": made.key.replace(made.view.id, other.view.id),
        "secret": made.key[:20] + ("a" if made.key[20] != "a" else "b") + made.key[21:],
        "checksum": made.key[:-1] + ("a" if made.key[-1] != "a" else "b"),
        "case": made.key.swapcase(),
        "empty": "",
        "long": made.key + "a" * 5000,
    }[change]
    answer = shared_api.anonymous(**{"X-API-Key": forged}).get("/api/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (401, "NotSignedIn")


def test_there_is_an_end_to_the_number_of_keys(sqlite_api, monkeypatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 2)
    collector = make_person(sqlite_api.resources, "collector")
    client = sqlite_api.program(collector)
    answers = [client.post("/api/v1/auth/generate-api-key", json={"name": "one more"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[2].json()["code"] == "TooManyApiKeys"
