"""What is secret is nowhere at rest: no row, no line of the log, nothing at the broker, no file of the installation."""

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from sqlalchemy import MetaData, select

from auth.principals import SYSTEM, Principal, Role
from tests.support.mailbox import running_mailbox, token_in
from tests.support.stored import finished_job
from tests.webapp.exported import made_export
from webapp.logs import configure_logs

PASSWORDS = ["canary-one-Zx8Lq", "canary-two-Vw3Rt", "canary-six-Pq7Mn"]
WRONG = "canary-typed-at-the-wrong-place-Kd92"
ADDRESS = "dora@maps.example"
SECRET_KEY = "canary-of-the-installation-" + "k" * 20


@pytest.fixture
def mailbox():
    with running_mailbox() as box:
        yield box


@pytest.fixture
def installation(make_resources, serve, mailbox, broker, tmp_path):
    """A server that logs everything it can log to a file, with a mail server and a broker."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    resources = make_resources(
        log_file=tmp_path / "web.log", log_level="DEBUG", smtp_url=mailbox.address, redis_url=broker.url,
        registration_open=True, secret_key=SECRET_KEY, public_url="",
    )  # fmt: skip
    configure_logs(resources.settings, "web")
    logging.getLogger("mail").setLevel(logging.WARNING)  # the mail server of this test, which is in this process
    yield serve(resources)
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def post(client, path, status, **body):
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else {}


def live_through_an_account(api, mailbox):
    """Register, sign in by API and page, refresh, make a key and a link, change the password twice; return secrets."""
    first, second, third = PASSWORDS
    anyone = api.anonymous()
    post(anyone, "auth/register", 202, username="dora", email=ADDRESS, password=first)
    confirming = token_in(mailbox.wait_for(1)[0])
    dora = post(anyone, "auth/register/confirm", 201, token=confirming)
    tokens = post(anyone, "auth/login", 200, username="dora", password=first)
    renewed = post(anyone, "auth/refresh-token", 200, refresh_token=tokens["refresh_token"])
    client = api.anonymous(Authorization=f"Bearer {renewed['access_token']}")
    key = post(client, "auth/generate-api-key", 201, name="nightly")["api_key"]
    signature = use_link_and_key(api, client, key, Principal(dora["user_id"], "dora", Role.USER))
    page = anyone.post("/login", data={"username": "dora", "password": first}, headers={"Origin": api.url})
    cookie = page.headers["set-cookie"].partition(";")[0].partition("=")[2]
    post(client, "auth/password", 204, current_password=first, new_password=second)
    post(anyone, "auth/password/forgotten", 202, email=ADDRESS)
    resetting = token_in(mailbox.wait_for(2)[1])
    post(anyone, "auth/password/reset", 204, token=resetting, new_password=third)
    both = [named[kind] for named in (tokens, renewed) for kind in ("access_token", "refresh_token")]
    return [confirming, *both, key, signature, cookie, resetting]


def use_link_and_key(api, client, key, owner):
    """Fetch an export by a signed link, ask with the key, and send both to wrong places; return the signature."""
    export = made_export(api.resources, owner, finished_job(api.resources, owner, 4))
    url = post(client, f"exports/{export.id}/link", 201)["url"]
    assert api.anonymous().get(url).status_code == 200
    assert api.anonymous(**{"X-API-Key": key}).get("/api/v1/jobs").status_code == 200
    signature = parse_qs(urlsplit(url).query)["signature"][0]
    for misplaced in (f"jobs?api_key={key}", f"jobs/{key}", f"downloads/file/1?signature={signature}"):
        assert client.get(f"/api/v1/{misplaced}").status_code < 500, misplaced
    return signature


def go_wrong(api):
    """Type a password where the name belongs, and send one along with what is refused, found missing or breaks."""
    anyone = api.anonymous()
    post(anyone, "auth/login", 401, username=WRONG, password=WRONG)
    anyone.post("/login", data={"username": WRONG, "password": WRONG}, headers={"Origin": api.url})
    anyone.get(f"/login?password={WRONG}")
    anyone.post("/api/v1/auth/login", content=f'{{"password": "{WRONG}", '.encode())
    post(anyone, "auth/login", 422, username="dora", password=WRONG, secret=WRONG)
    post(anyone, "auth/refresh-token", 401, refresh_token=WRONG)
    anyone.get("/api/v1/jobs", headers={"Authorization": f"Bearer {WRONG}"})
    anyone.get("/api/v1/jobs", headers={"X-API-Key": WRONG, "X-Request-ID": f"{WRONG}!"})


def everything_at_rest(api, broker):
    """Return name and bytes of each table, of what the broker holds, and of each file of the installation."""
    database = api.resources.database
    tables = MetaData()
    with database.read(SYSTEM) as session:
        tables.reflect(session.connection())
        for name, table in tables.tables.items():
            yield f"table {name}", repr(session.execute(select(table)).all()).encode()
    with broker.client() as held:
        for name in held.scan_iter():
            yield f"broker {name}", name + (held.dump(name) or b"")
    for path in api.resources.settings.log_file.parent.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()


def test_no_secret_is_anywhere_at_rest(installation, mailbox, broker):
    secrets = [*PASSWORDS, *live_through_an_account(installation, mailbox)]
    go_wrong(installation)
    assert len({*secrets}) == len(secrets) == 12
    pieces = {secret: secret[-32:].encode() for secret in [*secrets, WRONG, SECRET_KEY]}
    at_rest = list(everything_at_rest(installation, broker))
    found = [(name, secret[:12]) for name, data in at_rest for secret, piece in pieces.items() if piece in data]
    assert found == []
    read = b"".join(data for _, data in at_rest)
    assert all(word in read for word in (b"dora", b"argon2id", b"nightly"))  # it was looked at
    assert any(name == "web.log" and data for name, data in at_rest)
