"""What administrators do to accounts, and that it holds at once."""

import pytest

from auth.principals import SYSTEM, Scope, Tier
from tests.support.people import make_person
from webapp.services import api_keys
from webapp.services.users import NewUser, create_user

PASSWORD = "correct horse battery staple"


@pytest.fixture
def root(api, administrator):
    return api.program(administrator)


def status_within_a_second(client):
    import time

    deadline = time.monotonic() + 1.0
    while (status := client.get("/api/v1/auth/me").status_code) == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    return status


def test_who_is_shut_out_is_out_at_once_with_keys_and_sessions(api, root, alice):
    key = api_keys.create_key(api.resources, alice, "k", {Scope.READ}).key
    clients = [api.program(alice), api.browser(alice), api.anonymous(**{"X-API-Key": key})]
    assert [client.get("/api/v1/auth/me").status_code for client in clients] == [200] * 3
    changed = root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"is_active": False})
    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    assert [status_within_a_second(client) for client in clients] == [401] * 3
    assert root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"is_active": True}).json()["is_active"]
    assert [status_within_a_second(client) for client in clients] == [401] * 3, "what has ended stays so"


def test_a_role_holds_for_the_next_request(api, root, alice):
    client = api.program(alice)
    assert client.get("/api/v1/admin/users").status_code == 403
    made = root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"role": "admin"}).json()
    assert (made["role"], made["tier"], made["own_tier"]) == ("admin", "enterprise", None)
    assert client.get("/api/v1/admin/users").status_code == 200
    root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"role": "premium", "tier": "free"})
    assert client.get("/api/v1/admin/users").status_code == 403
    me = client.get("/api/v1/auth/me").json()
    assert (me["role"], me["tier"]) == ("premium", "free")
    root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"default_tier": True})
    assert root.get(f"/api/v1/admin/users/{alice.user_id}").json()["tier"] == Tier.PREMIUM


def test_the_last_administrator_stays_one(api, root, administrator, alice):
    own = f"/api/v1/admin/users/{administrator.user_id}"
    for change in ({"is_active": False}, {"role": "user"}):
        answer = root.patch(own, json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "LastAdministrator")
    root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"role": "admin"})
    assert root.patch(own, json={"role": "user"}).status_code == 200
    assert root.get(own).status_code == 403


def test_a_new_password_is_told_once_and_ends_the_old(api, root):
    user = create_user(api.resources, NewUser("carl", PASSWORD))
    tokens = api.anonymous().post("/api/v1/auth/login", json={"username": "carl", "password": PASSWORD}).json()
    client = api.anonymous(Authorization=f"Bearer {tokens['access_token']}")
    given = root.post(f"/api/v1/admin/users/{user.id}/reset-password").json()["password"]
    assert status_within_a_second(client) == 401
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert api.anonymous().post("/api/v1/auth/refresh-token", json=refresh).status_code == 401
    for password, status in ((PASSWORD, 401), (given, 200)):
        body = {"username": "carl", "password": password}
        assert api.anonymous().post("/api/v1/auth/login", json=body).status_code == status


def test_accounts_are_made_listed_and_found(api, root):
    made = root.post("/api/v1/admin/users", json={"username": "Eve", "email": "eve@maps.example", "role": "premium"})
    assert made.status_code == 201
    body = {"username": "eve", "password": made.json()["password"]}
    assert api.anonymous().post("/api/v1/auth/login", json=body).status_code == 200
    for number in range(4):
        make_person(api.resources, f"person{number}")
    first = root.get("/api/v1/admin/users?limit=3").json()
    second = root.get(f"/api/v1/admin/users?limit=3&after={first['next_after']}").json()
    names = [user["username"] for page in (first, second) for user in page["users"]]
    assert len(names) == len(set(names)) == 6
    [eve] = root.get("/api/v1/admin/users?containing=EVE@").json()["users"]
    assert (eve["username"], eve["role"], eve["tier"]) == ("eve", "premium", "premium")
    assert not root.get("/api/v1/admin/users?containing=%25").json()["users"], "letters, not a pattern"
    assert root.get("/api/v1/admin/users/999999").status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"role": "emperor"}, {"tier": "gold"}, {"password_hash": "x"}, {"id": 7}, {"tier": "free", "default_tier": True}],
)
def test_nothing_else_of_an_account_can_be_set(api, root, alice, change):
    assert root.patch(f"/api/v1/admin/users/{alice.user_id}", json=change).status_code == 422


def test_what_was_done_stands_in_the_audit_log_without_secrets(api, root, administrator, alice):
    key = api.program(alice).post("/api/v1/auth/generate-api-key", json={"name": "nightly"}).json()
    root.patch(f"/api/v1/admin/users/{alice.user_id}", json={"tier": "premium"})
    password = root.post(f"/api/v1/admin/users/{alice.user_id}/reset-password").json()["password"]
    log = root.get("/api/v1/admin/audit-log")
    assert password not in log.text
    assert key["api_key"] not in log.text
    entries = log.json()["entries"]
    assert [entry["action"] for entry in entries] == ["password.set", "account.changed", "api_key.created"]
    changed = entries[1]
    assert (changed["actor_id"], changed["target_id"]) == (administrator.user_id, str(alice.user_id))
    assert changed["detail"]["tier"] == {"from": None, "to": "premium"}
    assert (changed["address"], len(changed["detail"]["request_id"])) == ("127.0.0.1", 32)
    [own] = root.get(f"/api/v1/admin/audit-log?actor_id={alice.user_id}&action=api_key.").json()["entries"]
    assert own["target_id"] == key["id"]
    page = root.get("/api/v1/admin/audit-log?limit=2").json()
    assert [entry["action"] for entry in page["entries"]] == ["password.set", "account.changed"]
    rest = root.get(f"/api/v1/admin/audit-log?limit=2&before={page['next_before']}").json()
    assert [entry["action"] for entry in rest["entries"]] == ["api_key.created"]


def test_the_dashboard_counts_and_says_what_is_wrong(api, root, alice, tmp_path):
    from tests.webapp.api.made_results import make_result

    result = make_result(api.resources, alice, tmp_path)
    found = root.get("/api/v1/admin/dashboard").json()
    assert (found["users"], found["footprints"], found["jobs"]) == (2, result.footprint_count, {"succeeded": 1})
    assert found["stored_bytes"] > 0
    assert found["health"]["checks"]["database"]["ok"]
    assert not found["health"]["ok"], "no worker runs here"


def test_clearing_up_is_shown_before_it_is_done(api, root, alice, tmp_path):
    from sqlalchemy import update

    from models.base import now_s
    from models.job import ProcessingJob
    from tests.webapp.api.made_results import make_result

    result = make_result(api.resources, alice, tmp_path)
    with api.resources.database.write(SYSTEM) as session:
        session.execute(update(ProcessingJob).values(finished_at=now_s() - 40 * 86_400))
    shown = root.post("/api/v1/admin/cleanup", json={"older_than_days": 30}).json()
    assert (shown["preview"], shown["jobs"], shown["footprints"]) == (True, 1, result.footprint_count)
    assert root.post("/api/v1/admin/cleanup", json={"older_than_days": 50}).json()["jobs"] == 0
    assert root.get(f"/api/v1/jobs/{result.job_id}").status_code == 200
    done = root.post("/api/v1/admin/cleanup", json={"older_than_days": 30, "preview": False}).json()
    assert (done["jobs"], done["footprints"]) == (1, result.footprint_count)
    assert root.get(f"/api/v1/jobs/{result.job_id}").status_code == 404
    assert root.get("/api/v1/admin/audit-log").json()["entries"][0]["action"] == "cleanup.done"


def test_ids_that_no_database_can_hold_are_refused(root):
    for user_id in (548100773615768, -21026333529, 0):
        assert root.get(f"/api/v1/admin/users/{user_id}").status_code == 422
        assert root.post(f"/api/v1/admin/users/{user_id}/reset-password").status_code == 422
    assert root.get("/api/v1/jobs", params={"before": "a\0b"}).status_code in (404, 422)
