import json

import httpx
import pytest

from tests.webapp.api.made_results import make_result
from webapp.api.gate import is_plain_path
from webapp.api.headers import ALWAYS, STRICT

API_PATHS = ("/api/v1/jobs", "/api/v1/nothing", "/api/", "/tiles/base/0/0/0.png", "/api/v1/openapi.json", "/metrics")
PAGE_PATHS = ("/", "/upload", "/jobs", "/docs", "/static/js/bokeh.min.js", "/components/x.js", "/nothing")


@pytest.mark.parametrize("path", API_PATHS)
def test_an_anonymous_program_gets_a_problem(shared_api, path):
    answer = shared_api.anonymous().get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "parameters", "instance"}
    assert (problem["code"], problem["status"], problem["instance"]) == ("NotSignedIn", 401, path)


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_an_anonymous_person_is_sent_to_the_login_and_back(shared_api, path):
    answer = shared_api.anonymous().get(path + "?a=1&b=%2F")
    assert answer.status_code == 303
    location = httpx.URL(answer.headers["location"])
    assert location.path == "/login"
    assert location.params["next"] == path + "?a=1&b=%2F"


def test_every_answer_carries_the_security_headers(shared_api, sam):
    anonymous, program = shared_api.anonymous(), shared_api.program(sam)
    answers = [
        anonymous.get("/"),
        anonymous.get("/login"),
        anonymous.get("/health"),
        anonymous.get("/assets/css/login.css"),
        anonymous.get("/api/v1/jobs"),
        anonymous.get("/", headers={"Host": "evil.example"}),
        anonymous.get("/%2e%2e/etc/passwd"),
        program.get("/api/v1/jobs"),
        program.get("/api/v1/nothing"),
        program.get("/tiles/base/0/0/0.png"),
        program.delete("/api/v1/jobs"),
    ]
    for answer in answers:
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value, answer.url
        assert answer.headers["content-security-policy"] == STRICT, answer.url
        assert "cache-control" in answer.headers, answer.url
        assert "server" not in answer.headers
    assert program.get("/api/v1/jobs").headers["cache-control"] == "private, no-store"


def test_the_cookie_alone_may_read_but_not_change(api, alice, tmp_path):
    result = make_result(api.resources, alice, tmp_path)
    forged, honest = api.browser(alice, with_token=False), api.browser(alice)
    cancel = f"/api/v1/jobs/{result.job_id}/cancel"
    assert forged.get("/api/v1/jobs").status_code == 200
    for attempt in (
        forged.post(cancel),
        forged.post(cancel, headers={"X-CSRF-Token": "x" * 43}),
        forged.post(cancel, headers={"X-CSRF-Token": honest.headers["X-CSRF-Token"]}),  # of another session
        honest.post(cancel, headers={"Origin": "https://evil.example"}),
        honest.post(cancel, headers={"Origin": "null"}),
        forged.request("PUT", "/api/v1/scenes?name=a.tif", content=b"x"),
        forged.post("/api/v1/ml-processing/upload-image", files={"file": b"x"}),
        forged.delete(f"/api/v1/scenes/{result.scene_id}"),
        forged.post("/logout"),
    ):
        assert attempt.status_code == 403, attempt.request.url
        assert attempt.json()["code"] == "CsrfTokenInvalid"
    assert honest.post(cancel, headers={"Origin": api.url}).status_code == 200
    assert honest.post(cancel).status_code == 200
    assert api.program(alice).post(cancel).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://[::1", "http://a b", "http://127.0.0.1:x", "http://127.0.0.1:99999", "\x7f", "//", "http://"],
)
def test_an_origin_that_is_none_is_foreign(shared_api, sam, origin):
    answer = shared_api.browser(sam).post("/api/v1/jobs/x/cancel", headers={"Origin": origin})
    assert answer.status_code in (403, 400)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.example", "a b"])
def test_other_names_are_not_answered(shared_api, host):
    answer = shared_api.anonymous().get("/login", headers={"Host": host})
    assert answer.status_code == 421 or (answer.status_code == 400 and host in ("", "a b"))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7"])
def test_own_names_and_plain_addresses_are(shared_api, host):
    assert shared_api.anonymous().get("/login", headers={"Host": host}).status_code == 200


def test_names_from_the_settings_are_answered(make_resources, serve, sqlite_api):
    api = serve(make_resources(public_url="https://maps.example.org", trusted_hosts="inner.example"))
    for host, status in (("maps.example.org", 200), ("inner.example:8000", 200), ("other.example", 421)):
        assert api.anonymous().get("/login", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/", True),
        ("/jobs/", True),
        ("/assets/css/login.css", True),
        ("//evil.example", False),
        ("/assets/../api/v1/jobs", False),
        ("/assets/./x", False),
        ("/assets//x", False),
        ("/a\\b", False),
        ("/a\x00b", False),
        ("/a\r\nb", False),
        ("jobs", False),
    ],
)
def test_paths_that_layers_could_read_differently(path, plain):
    assert is_plain_path(path) is plain


@pytest.mark.parametrize(
    "path", ["/assets/%2e%2e/api/v1/jobs", "/assets/css/..%2f..%2f..%2fetc%2fpasswd", "/assets%2f..%2fjobs"]
)
def test_no_way_around_by_encoded_dots(shared_api, path):
    assert shared_api.anonymous().get(path).status_code in (303, 404)


@pytest.mark.parametrize(
    "path", ["/assets/login.html", "/assets/weights/default.onnx", "/assets/basemap/countries.fgb"]
)
def test_only_public_folders_are_public(shared_api, path):
    assert shared_api.anonymous().get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["bokeh-session-id=x", "bokeh-token=x", "a=1&bokeh%2Dtoken=x", "%62okeh-session-id=x"]
)
def test_a_page_session_cannot_be_chosen_by_address(shared_api, sam, query):
    answer = shared_api.browser(sam).get(f"/?{query}")
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/autoload.js", "/jobs/autoload.js", "/metadata"])
def test_embedding_routes_are_closed(shared_api, sam, path):
    assert shared_api.browser(sam).get(path).status_code == 404


def test_a_large_body_is_refused_before_it_is_read(shared_api, sam):
    def endless():
        for _ in range(1000):
            yield b"x" * 65_536

    program = shared_api.program(sam)
    announced = program.post("/api/v1/ml-processing/extract-buildings", content=b"x" * 9_000_000)
    assert (announced.status_code, announced.json()["code"]) == (413, "RequestTooLarge")
    chunked = program.post(
        "/api/v1/ml-processing/extract-buildings", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert chunked.status_code == 413
    login = shared_api.anonymous().post("/api/v1/auth/login", content=b"x" * 20_000)
    assert login.status_code == 413


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/api/v1/auth/login", {"username": "a"}, "password"),
        ("/api/v1/auth/login", {"username": "a", "password": "b", "role": "admin"}, "role"),
        ("/api/v1/ml-processing/extract-buildings", {"scene_id": "a", "owner_id": 1}, "owner_id"),
        ("/api/v1/ml-processing/extract-buildings", {"scene_id": 7}, "scene_id"),
        ("/api/v1/ml-processing/extract-buildings", ["a"], "body"),
    ],
)
def test_unknown_and_missing_fields_are_named(shared_api, sam, path, body, words):
    answer = shared_api.program(sam).post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "RequestInvalid"
    assert words in answer.json()["detail"]


def test_what_was_sent_is_not_repeated(shared_api):
    secret = "correct horse battery staple"
    answer = shared_api.anonymous().post("/api/v1/auth/login", json={"username": ["a"], "password": secret})
    assert answer.status_code == 422
    assert secret not in answer.text
    broken = shared_api.anonymous().post(
        "/api/v1/auth/login", content=b'{"password": "' + secret.encode(), headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 422
    assert secret not in broken.text


def test_an_unexpected_error_tells_nothing(sqlite_api, alice, monkeypatch, caplog):
    from webapp.services import jobs

    def fail(*arguments):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(jobs, "list_jobs", fail)
    answer = sqlite_api.program(alice).get("/api/v1/jobs")
    assert answer.status_code == 500
    assert answer.json()["code"] == "Unexpected"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_browser_gets_a_readable_page_and_a_program_a_problem(shared_api, sam):
    browser = shared_api.browser(sam)
    page = browser.get("/nothing", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Back to the map" in page.text
    problem = browser.get("/nothing")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


def test_the_description_is_complete_and_needs_nothing_from_outside(shared_api, sam):
    browser = shared_api.browser(sam)
    described = browser.get("/api/v1/openapi.json").json()
    assert "/api/v1/ml-processing/upload-image" in described["paths"]
    assert json.dumps(described).count("Problem") > 5
    page = browser.get("/docs").text
    assert "//" not in page.replace("/docs/", "").replace("http-equiv", "")
    for path in ("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert len(answer.content) > 100_000
    assert browser.get("/docs/__init__.py").status_code == 404


def test_scripts_are_compressed_and_kept(shared_api):
    anonymous = shared_api.anonymous()
    answer = anonymous.get("/assets/css/login.css", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 2
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "Accept-Encoding" in answer.headers["vary"]
    plain = anonymous.get("/assets/css/login.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content
    again = anonymous.get("/assets/css/login.css", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304
    versioned = anonymous.get("/assets/css/login.css?v=1")
    assert "immutable" in versioned.headers["cache-control"]


def test_health_tells_which_part_is_missing(shared_api):
    answer = shared_api.anonymous().get("/health")
    assert answer.status_code == 503
    body = answer.json()
    assert body["checks"]["database"]["ok"] is True
    assert body["checks"]["broker"]["ok"] is False
    assert str(shared_api.resources.settings.data_dir) not in answer.text
