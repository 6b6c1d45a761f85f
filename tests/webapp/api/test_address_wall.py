"""Which addresses are answered, on the application as uvicorn wraps it: forwarded addresses are read as configured."""


import httpx
import pytest
import uvicorn

from auth.principals import Role
from tests.conftest import NO_LIMITS
from tests.support.own_loop import run_alone
from tests.support.people import make_person
from webapp.api.identity import COOKIE
from webapp.api.main import create_app
from webapp.database import migrate
from webapp.errors import SettingInvalid
from webapp.http_server import proxy_options
from webapp.resources import open_resources
from webapp.services import sessions
from webapp.settings import load_settings

OFFICE = "192.0.2.0/24,2001:db8:1::/48"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walls")
    migrate(load_settings(data_dir=folder).database_address)
    return folder


@pytest.fixture
def wrapped(folder):
    """Return the application with settings, wrapped as the server wraps it."""
    opened = []

    def make(**overrides):
        settings = load_settings(**(NO_LIMITS | {"data_dir": folder, "secret_key": "k" * 40} | overrides))
        opened.append(open_resources(settings))
        config = uvicorn.Config(create_app(opened[-1]), ws="none", log_config=None, **proxy_options(settings))
        config.load()
        return config.loaded_app, opened[-1]

    yield make
    for resources in opened:
        resources.close()


def status(app, address, path="/login", **headers):
    """Return status and code of an answer to a connection from an address."""
    return run_alone(_status(app, address, path, headers))


async def _status(app, address, path, headers):
    transport = httpx.ASGITransport(app, client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        answer = await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code, answer.json()["code"] if is_problem else ""


REFUSED = (403, "AddressNotAllowed")


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("192.0.2.7", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("2001:db8:1::5", True),
        ("2001:db8:1:ffff::5%eth0", True),
        ("2001:db8:2::5", False),
        ("::ffff:192.0.2.7", True),
        ("::ffff:c000:207", True),
        ("::ffff:10.0.0.1", False),
        ("::192.0.2.7", False),
        ("192.0.2.07", False),
        ("0xc0000207", False),
        ("3221225991", False),
        ("", False),
        ("unix:/run/socket", False),
        ("192.0.2.7, 10.0.0.1", False),
    ],
)
def test_only_the_networks_that_are_named_are_answered(wrapped, address, is_in):
    app, _ = wrapped(allowed_networks=OFFICE)
    assert status(app, address) == ((200, "") if is_in else REFUSED)
    assert status(app, address, "/api/v1/jobs") == ((401, "NotSignedIn") if is_in else REFUSED)
    assert status(app, address, "/assets/css/login.css")[0] == (200 if is_in else 403)


def test_without_networks_all_are_answered(wrapped):
    app, _ = wrapped()
    assert {status(app, address)[0] for address in ("192.0.2.7", "2001:db8::1", "", "nonsense")} == {200}


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", 503), ("::1", 503), ("10.0.0.1", 403), ("", 403)])
def test_this_machine_may_always_ask_whether_the_server_lives(wrapped, address, expected):
    app, _ = wrapped(allowed_networks=OFFICE, admin_networks="192.0.2.1/32")
    assert status(app, address, "/health")[0] == expected  # 503: there is no worker
    assert status(app, address, "/health/ready")[0] == expected  # 503: there is no broker
    assert status(app, address, "/health/live")[0] == (200 if expected == 503 else 403)
    for path in ("/health/", "/healthy", "/health/live/", "/metrics", "/health/../api/v1/jobs"):
        assert status(app, address, path)[0] == 403


FORGED = ("192.0.2.7", "192.0.2.7, 10.0.0.1", "10.0.0.1, 192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7:80", "unknown")


@pytest.mark.parametrize("forged", FORGED)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(wrapped, forged):
    alone, _ = wrapped(allowed_networks=OFFICE)
    behind, _ = wrapped(allowed_networks=OFFICE, trusted_proxies="127.0.0.1")
    headers = {"X_Forwarded_For": forged, "X_Real_IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    assert status(alone, "10.0.0.1", **headers) == REFUSED
    assert status(alone, "127.0.0.1", **headers) == REFUSED
    assert status(behind, "10.0.0.1", **headers) == REFUSED  # a proxy that nobody knows
    last_is_inside = forged.split(",")[-1].strip() in ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7:80")
    assert status(behind, "127.0.0.1", **headers) == ((200, "") if last_is_inside else REFUSED)


def test_administrators_work_from_their_own_networks_alone(wrapped):
    app, resources = wrapped(admin_networks="192.0.2.0/28")
    boss = make_person(resources, "boss", Role.ADMIN)
    token = f"Bearer {sessions.issue_tokens(resources, boss).access_token}"
    for path in ("/api/v1/admin/dashboard", "/api/v1/admin", "/admin", "/admin/ws", "/admin/anything", "/metrics"):
        assert status(app, "192.0.2.77", path, Authorization=token) == REFUSED
        assert status(app, "192.0.2.7", path, Authorization=token) != REFUSED
    assert status(app, "192.0.2.7", "/api/v1/admin/users", Authorization=token) == (200, "")
    assert status(app, "192.0.2.7", "/metrics", Authorization=token) == (200, "")
    for path in ("/api/v1/jobs", "/api/v1/auth/me", "/administration"):
        assert status(app, "192.0.2.77", path, Authorization=token) != REFUSED
    for path in ("//admin", "/./admin", "/jobs/../admin", "/%61dmin/../admin", "/ADMIN", "/api/v1/admin%2Fusers"):
        assert status(app, "192.0.2.77", path, Authorization=token)[0] in (403, 404), path


@pytest.mark.parametrize(
    ("address", "path", "accepted"),
    [("192.0.2.7", "/ws", True), ("10.0.0.1", "/ws", False), ("192.0.2.99", "/admin/ws", False)],
)
def test_websockets_stand_before_the_same_wall(wrapped, address, path, accepted):
    app, resources = wrapped(allowed_networks=OFFICE, admin_networks="192.0.2.0/28")
    value = sessions.open_browser_session(resources, make_person(resources, f"ws-{address}-{accepted}")).cookie_value
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"origin", b"http://127.0.0.1:8000"),
            (b"cookie", f"{COOKIE}={value}".encode()),
        ],
        "client": (address, 40_000),
        "subprotocols": [],
    }
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    run_alone(app(scope, receive, send))
    # No page is installed here: who gets through the wall and the gate is told so by FastAPI, with another code.
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert (sent[0]["code"] == 1008) is not accepted


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "office", "10.0.0.*", "10.0.0.0-10.0.0.9", "::/129"])
@pytest.mark.parametrize("name", ["allowed_networks", "admin_networks"])
def test_what_is_no_network_is_refused_at_the_start(name, text):
    with pytest.raises(SettingInvalid, match=name.upper()):
        load_settings(**{name: f"192.0.2.0/24,{text}"})
