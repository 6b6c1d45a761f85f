"""Which other sites may use the API from their pages, and that none may with a cookie."""

import httpx
import pytest

from tests.conftest import NO_LIMITS
from tests.support.people import make_person
from webapp.api.cross_origin import READABLE
from webapp.api.gate import CSRF_HEADER
from webapp.database import migrate
from webapp.errors import SettingInvalid
from webapp.resources import open_resources
from webapp.settings import load_settings

LISTED = ("https://gis.example.org", "http://localhost:3000", "https://maps.example.org:8443")
FOREIGN = (
    "null",
    "*",
    "",
    "https://gis.example.org/",
    "https://gis.example.org:443",
    "https://gis.example.org:8443",
    "http://gis.example.org",
    "HTTPS://gis.example.org",
    "https://GIS.example.org",
    "https://gis.example.org.evil.example",
    "https://gis.example.orgevil.example",
    "https://evil-gis.example.org",
    "https://evil.gis.example.org",
    "https://evil.example/https://gis.example.org",
    "https://evil.example?https://gis.example.org",
    "https://gis.example.org@evil.example",
    "https://gis.example.org evil.example",
    "https://gis.example.org,https://evil.example",
    "https://gis.example.org%00.evil.example",
    "https://gis.example.org;",
    "http://localhost",
    "http://localhost:3001",
    "http://localhost:30000",
    "http://127.0.0.1:3000",
    "file://",
    "data:text/html,x",
    "chrome-extension://abcdef",
    "https://evil.example",
)
PATHS = ("/api/v1/jobs", "/tiles/base/0/0/0.png", "/api/v1/auth/me", "/api/v1/openapi.json")
ASKING = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,x-api-key"}


@pytest.fixture(scope="module")
def sharing(tmp_path_factory, shared_api):
    """An API that other sites may use, beside the shared one that none may."""
    from tests.webapp.api.conftest import _servers

    settings = load_settings(
        **NO_LIMITS, data_dir=tmp_path_factory.mktemp("sharing"), secret_key="k" * 40, cors_origins=",".join(LISTED)
    )
    migrate(settings.database_address)
    resources = open_resources(settings)
    with _servers() as start:
        yield start(resources)
    resources.close()


@pytest.fixture(scope="module")
def sara(sharing):
    return make_person(sharing.resources, "sara")


def said(answer):
    """Return what an answer says of other origins."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", LISTED)
def test_pages_of_listed_sites_may_ask_and_read(sharing, sara, origin):
    program = sharing.program(sara)
    for path in PATHS:
        asked = sharing.anonymous().options(path, headers={"Origin": origin} | ASKING)
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == origin
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        assert asked.headers["access-control-max-age"] == "600"
        for answer in (program.get(path, headers={"Origin": origin}), asked):
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers
        answer = program.get(path, headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert set(READABLE) <= set(answer.headers["access-control-expose-headers"].split(", "))
    refused = sharing.anonymous().get("/api/v1/jobs", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)  # can be read


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_other_site_may(sharing, sara, origin):
    program, raw = sharing.program(sara), {"Origin": origin}
    for path in PATHS:
        asked = sharing.anonymous().options(path, headers=raw | ASKING)
        assert asked.status_code in (401, 405)
        answer = program.get(path, headers=raw)
        for one in (asked, answer):
            assert said(one) == {}
            assert "Origin" in one.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/login", "/health", "/docs", "/assets/css/login.css", "/admin", "/api"])
def test_pages_are_for_nobody_elses_pages(sharing, path):
    for method in ("GET", "OPTIONS"):
        assert said(sharing.anonymous().request(method, path, headers={"Origin": LISTED[0]} | ASKING)) == {}


def test_a_cookie_is_nobody_from_a_listed_site_and_somebody_from_ours(sharing, sara):
    browser = sharing.browser(sara)
    assert browser.get("/api/v1/auth/me", headers={"Origin": LISTED[0]}).status_code == 401
    assert browser.post("/api/v1/auth/logout", headers={"Origin": LISTED[0]}).status_code == 401
    assert browser.get("/api/v1/auth/me", headers={"Origin": sharing.url}).status_code == 200
    assert browser.delete("/api/v1/auth/sessions", headers={"Origin": sharing.url}).status_code == 204
    forged = {CSRF_HEADER: browser.headers[CSRF_HEADER], "Origin": "https://evil.example"}
    answer = browser.delete("/api/v1/auth/sessions", headers=forged)
    assert (answer.status_code, answer.json()["code"]) == (403, "CsrfTokenInvalid")


FORM_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None)


@pytest.mark.parametrize("content_type", FORM_TYPES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", LISTED[0]])
def test_a_form_of_another_site_changes_nothing(sharing, sara, content_type, origin):
    """What a page can send without being asked first: simple requests, with whatever cookies there are."""
    browser = sharing.browser(sara, with_token=False)
    headers = {"Origin": origin} | ({"Content-Type": content_type} if content_type else {})
    for path in ("/api/v1/auth/generate-api-key", "/api/v1/auth/logout", "/api/v1/exports", "/logout"):
        answer = browser.post(path, content=b'{"name": "mine"}', headers=headers)
        assert answer.status_code in (401, 403), (path, answer.text)
    assert browser.get("/api/v1/auth/api-keys").json() == {"api_keys": []}


def test_by_default_no_site_may(shared_api, sam):
    for origin in LISTED:
        assert said(shared_api.program(sam).get("/api/v1/jobs", headers={"Origin": origin})) == {}
        asked = shared_api.anonymous().options("/api/v1/jobs", headers={"Origin": origin} | ASKING)
        assert (asked.status_code, said(asked)) == (401, {})


@pytest.mark.parametrize(
    "text",
    ["*", "null", "gis.example.org", "https://*.example.org", "https://a.example/", "https://A.example", "https://a b",
     "https://u@a.example", "ftp://a.example", "https://a.example:port", "https://"],
)  # fmt: skip
def test_what_is_no_exact_origin_is_refused_at_the_start(text):
    with pytest.raises(SettingInvalid, match="CORS_ORIGINS"):
        load_settings(cors_origins=f"https://good.example,{text}")


def test_requests_from_a_listed_site_are_admitted_by_key(sharing, sara):
    made = httpx.URL(f"{sharing.url}/api/v1/auth/generate-api-key")
    key = sharing.program(sara).post(made, json={"name": "site"}).json()["api_key"]
    answer = sharing.anonymous().get("/api/v1/jobs", headers={"X-API-Key": key, "Origin": LISTED[0]})
    assert answer.status_code == 200
