"""The id of a request: kept where it is harmless, replaced where it could forge a line of the log."""

import json
import logging

import pytest
import structlog

from tests.support.jobs import add_scene
from tests.support.own_loop import run_alone
from webapp.api.main import create_app
from webapp.logs import configure_logs
from webapp.services import jobs, sessions

EXTRACT = "/api/v1/ml-processing/extract-buildings"
HOSTILE = (
    b"a\r\nSet-Cookie: x=1",
    b'x\n{"event": "forged", "level": "info"}',
    b"\x1b[2J\x1b[31mred",
    b"\x00",
    b"z" * 1_000_000,
    "ümlaut‮".encode(),
    b"a b",
    b"${jndi:ldap://x}",
    b"",
    b"v" * 65,
)


@pytest.fixture
def logged(make_resources, tmp_path):
    """Resources whose log is written as a server writes it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    path = tmp_path / "web.log"
    resources = make_resources(log_file=path)
    configure_logs(resources.settings, "web")
    yield resources, path
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def post(resources, person, scene_id, request_id):
    """Send a request with the header's bytes as they are: no client library would."""
    token = sessions.issue_tokens(resources, person).access_token
    body, sent = json.dumps({"scene_id": scene_id}).encode(), []
    headers = [
        (b"host", b"127.0.0.1"),
        (b"authorization", f"Bearer {token}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id),
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": EXTRACT, "raw_path": EXTRACT.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    run_alone(create_app(resources)(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])[b"x-request-id"].decode()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_no_hostile_id_reaches_a_line_of_the_log_or_a_row(logged, alice):
    resources, path = logged
    scene_id = add_scene(resources, alice)
    answered = [post(resources, alice, scene_id, hostile) for hostile in HOSTILE]
    assert all(status == 202 for status, _ in answered)
    ids = [request_id for _, request_id in answered]
    assert len(set(ids)) == len(HOSTILE)
    assert all(len(request_id) == 32 and request_id.isalnum() for request_id in ids)
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    accepted = [line for line in lines if line["event"] == "accepted"]
    assert [line["request_id"] for line in accepted] == ids
    stored = {job.id: job.request_id for job in jobs.list_jobs(resources, alice)}
    assert stored == {line["job_id"]: line["request_id"] for line in accepted}
    raw = path.read_bytes()
    assert not any(piece in raw for piece in (b"forged", b"\x1b", b"Set-Cookie", b"zzzz", b"jndi", b"\\u00fc"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_harmless_id_of_a_proxy_is_kept(logged, alice):
    resources, path = logged
    given = "Root-1.5e1b_4f2" + "a" * 49
    assert post(resources, alice, add_scene(resources, alice), given.encode()) == (202, given)
    assert jobs.list_jobs(resources, alice)[0].request_id == given
    assert given in path.read_text()
