"""Signed links: one file for whoever has the link, for as long as its giver might fetch it themselves."""

import logging
import time
from dataclasses import replace

import httpx
import pytest

from auth.download_links import read_link, sign_link
from auth.principals import Role, Scope
from tests.support.people import make_person
from tests.support.stored import finished_job
from tests.webapp.exported import made_export
from webapp.api import problems
from webapp.services import export_files, own_sessions, password_changes, people, sessions
from webapp.services.api_keys import create_key, revoke_key
from webapp.services.people import PersonChange

PASSWORD = "a password of some length"


@pytest.fixture
def export(sqlite_api, alice):
    return made_export(sqlite_api.resources, alice, finished_job(sqlite_api.resources, alice, 8))


def linked(client, export, **body):
    """Return the address of a new link."""
    answer = client.post(f"/api/v1/exports/{export.id}/link", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


def code(client, url):
    """Return 200, or the code of the refusal."""
    answer = client.get(url)
    return 200 if answer.status_code == 200 else answer.json()["code"]


def test_a_link_gives_whoever_has_it_the_same_as_the_download(api, alice, bob):
    job_id = finished_job(api.resources, alice, 8)
    export = made_export(api.resources, alice, job_id)
    mine, stranger = api.program(alice), api.anonymous()
    plain = mine.get(f"/api/v1/exports/{export.id}/file")
    url = linked(mine, export, expires_in_minutes=5)
    assert url.startswith(f"{api.url}/api/v1/downloads/export/{export.id}?signature=")
    got = stranger.get(url)
    assert (got.status_code, got.content) == (200, plain.content)
    for name in ("etag", "content-disposition", "content-type", "repr-digest", "accept-ranges"):
        assert got.headers[name] == plain.headers[name]
    assert got.headers["cache-control"] == "private, no-cache"
    part = stranger.get(url, headers={"Range": "bytes=10-29", "If-Range": plain.headers["etag"]})
    assert (part.status_code, part.content) == (206, plain.content[10:30])
    assert stranger.get(url, headers={"If-None-Match": plain.headers["etag"]}).status_code == 304
    assert stranger.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    head = stranger.head(url)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", plain.headers["etag"])
    assert stranger.post(url).status_code == 401
    assert api.program(bob).post(f"/api/v1/exports/{export.id}/link").status_code == 404
    assert api.program(bob).post("/api/v1/exports/nothing/link").status_code == 404


def test_an_uploaded_file_can_be_given_away_too(sqlite_api, alice, tmp_path):
    from tests.webapp.api.made_results import make_result
    from webapp.services.files import list_files

    make_result(sqlite_api.resources, alice, tmp_path)
    file, mine = list_files(sqlite_api.resources, alice)[0], sqlite_api.program(alice)
    url = mine.post(f"/api/v1/files/{file.id}/link").json()["url"]
    got = sqlite_api.anonymous().get(url, headers={"Range": "bytes=0-3"})
    assert (got.status_code, got.content) == (206, mine.get(f"/api/v1/files/{file.id}").content[:4])
    as_export = url.replace("/downloads/file/", "/downloads/export/")
    assert code(sqlite_api.anonymous(), as_export) == "DownloadLinkInvalid"


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1, 1e9, "soon", None, 1.5])
def test_a_link_lasts_a_day_at_most(sqlite_api, alice, export, minutes):
    answer = sqlite_api.program(alice).post(f"/api/v1/exports/{export.id}/link", json={"expires_in_minutes": minutes})
    assert answer.status_code == 422


def deleted(resources, alice, export):
    export_files.delete_export(resources, alice, export.id)


def shut_out(resources, alice, export):
    people.change_person(resources, administrator_of(resources), alice.user_id, PersonChange(is_active=False))


def shut_out_and_let_in_again(resources, alice, export):
    shut_out(resources, alice, export)
    people.change_person(resources, administrator_of(resources), alice.user_id, PersonChange(is_active=True))


def new_password(resources, alice, export):
    people.set_new_password(resources, administrator_of(resources), alice.user_id)


def password_changed(resources, alice, export):
    boss = administrator_of(resources)
    current = people.set_new_password(resources, boss, alice.user_id)
    fresh = sessions.issue_tokens(resources, alice).access_token
    password_changes.change_password(resources, sessions.principal_of_token(resources, fresh), current, PASSWORD)


def signed_out_elsewhere(resources, alice, export):
    own_sessions.revoke_other_sessions(resources, alice)


def administrator_of(resources):
    return make_person(resources, f"boss-{time.monotonic_ns()}", Role.ADMIN)


ENDS = (deleted, shut_out, shut_out_and_let_in_again, new_password, password_changed, signed_out_elsewhere)


@pytest.mark.parametrize("end", ENDS)
def test_a_link_dies_with_what_it_stands_on(sqlite_api, alice, export, end):
    stranger, url = sqlite_api.anonymous(), linked(sqlite_api.program(alice), export)
    assert code(stranger, url) == 200
    end(sqlite_api.resources, alice, export)
    assert code(stranger, url) == "DownloadLinkInvalid"  # at once


def test_a_link_of_the_very_session_that_changes_the_password_dies_as_well(sqlite_api, alice, export):
    resources = sqlite_api.resources
    current = people.set_new_password(resources, administrator_of(resources), alice.user_id)
    mine = sqlite_api.program(alice)
    url = linked(mine, export)
    change = {"current_password": current, "new_password": PASSWORD}
    assert mine.post("/api/v1/auth/password", json=change).status_code == 204
    assert mine.get("/api/v1/auth/me").status_code == 200
    assert code(sqlite_api.anonymous(), url) == "DownloadLinkInvalid"
    assert code(sqlite_api.anonymous(), linked(mine, export)) == 200


def test_a_link_outlives_the_login_and_not_its_revocation(sqlite_api, alice, export):
    stranger = sqlite_api.anonymous()
    signed_out, revoked = sqlite_api.program(alice), sqlite_api.program(alice)
    first, second = linked(signed_out, export), linked(revoked, export)
    assert signed_out.post("/api/v1/auth/logout").status_code == 204
    assert (code(stranger, first), code(stranger, second)) == (200, 200)
    session_id = next(one.id for one in own_sessions.list_sessions(sqlite_api.resources, alice))
    own_sessions.revoke_session(sqlite_api.resources, alice, session_id)
    assert (code(stranger, first), code(stranger, second)) == (200, "DownloadLinkInvalid")


def test_a_link_made_with_a_key_dies_with_the_key(sqlite_api, alice, export):
    resources = sqlite_api.resources
    made = create_key(resources, alice, "pipeline", {Scope.READ, Scope.WRITE})
    url = linked(sqlite_api.anonymous(**{"X-API-Key": made.key}), export)
    assert code(sqlite_api.anonymous(), url) == 200
    revoke_key(resources, alice, made.view.id)
    assert code(sqlite_api.anonymous(), url) == "DownloadLinkInvalid"


def test_a_link_gives_no_more_than_its_giver_may_see_now(sqlite_api, alice, export):
    resources, boss = sqlite_api.resources, administrator_of(sqlite_api.resources)
    url = linked(sqlite_api.program(boss), export)
    assert code(sqlite_api.anonymous(), url) == 200
    people.change_person(resources, administrator_of(resources), boss.user_id, PersonChange(role=Role.USER))
    assert code(sqlite_api.anonymous(), url) == "DownloadLinkInvalid"


def test_nobody_makes_a_link_by_themselves(sqlite_api, alice, bob, export):
    resources, stranger = sqlite_api.resources, sqlite_api.anonymous()
    url = httpx.URL(linked(sqlite_api.program(alice), export))
    key, signature = resources.settings.secret_key_bytes, url.params["signature"]
    link = read_link(key, signature)
    other = made_export(resources, bob, finished_job(resources, bob, 3))
    now = time.time()
    forged = {
        "nothing": "",
        "payload alone": signature.rpartition(".")[0],
        "signature alone": signature.rpartition(".")[2],
        "changed payload": "A" + signature[1:],
        "changed signature": signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB"),
        "longer": signature + "x",
        "another key": sign_link(b"k" * 40, link),
        "our key in clear": sign_link(key[:-1], link),
        "an access token": sessions.issue_tokens(resources, alice).access_token,
        "run out": sign_link(key, replace(link, made_at=now - 120, expires_at=now - 60)),
        "of nobody": sign_link(key, replace(link, user_id=987_654)),
        "of another person": sign_link(key, replace(link, user_id=bob.user_id)),
        "of no session": sign_link(key, replace(link, session_id="")),
        "of another kind": sign_link(key, replace(link, kind="file")),
        "of another export": sign_link(key, replace(link, object_id=other.id)),
        "null": "null",
        "dots": "." * 50,
        "longest": "x" * 2000,
        "bytes": "\x00\xff",
    }
    refused = {name: stranger.get(url.copy_set_param("signature", text)) for name, text in forged.items()}
    assert {name: answer.json()["code"] for name, answer in refused.items()} == dict.fromkeys(
        forged, "DownloadLinkInvalid"
    )
    assert len({answer.content for answer in refused.values()}) == 1  # which of them, nobody is told
    elsewhere = url.copy_with(path=f"/api/v1/downloads/export/{other.id}")
    assert code(stranger, elsewhere) == "DownloadLinkInvalid"
    assert stranger.get(url.copy_set_param("signature", "x" * 5000)).status_code == 422
    assert stranger.get("/api/v1/jobs", headers={"Authorization": f"Bearer {signature}"}).status_code == 401
    assert stranger.get(f"/api/v1/exports/{export.id}/file", params={"signature": signature}).status_code == 401


def test_no_log_and_no_answer_repeats_a_signature(sqlite_api, alice, export, caplog, capfd, monkeypatch):
    stranger, url = sqlite_api.anonymous(), httpx.URL(linked(sqlite_api.program(alice), export))
    signature, answers = url.params["signature"], []
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore"):  # these are ours, on the side of the reader
        monkeypatch.setattr(logging.getLogger(logger), "disabled", True)
    answers.append(stranger.get(url))
    answers.append(stranger.get(url.copy_set_param("signature", signature + "x")))
    monkeypatch.setattr(export_files, "export_file", lambda *arguments: 1 / 0)
    answers.append(stranger.get(url))
    assert [answer.status_code for answer in answers] == [200, 403, 500]
    assert problems.UNEXPECTED in answers[-1].text
    seen = caplog.text + "".join(capfd.readouterr()) + "".join(answer.text for answer in answers)
    assert "ZeroDivisionError" in seen
    assert signature[:40] not in seen
    assert signature.rpartition(".")[2] not in seen


def test_links_are_counted_like_other_calls_of_strangers(make_resources, serve, sqlite_api, alice):
    limited = serve(make_resources(public_calls_per_minute=3))
    codes = [limited.anonymous().get("/api/v1/downloads/export/x?signature=y").status_code for _ in range(5)]
    assert codes == [403, 403, 403, 429, 429]
