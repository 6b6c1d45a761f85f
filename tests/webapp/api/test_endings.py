"""Every event that ends something, for every credential: what has to be over is over within a second, the rest is not.

The web server is the real one with the real pages, in a process of its own. Events that go through it are noticed at
once there; they are also made to happen beside it, as another web process would.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from auth.passwords import hash_password
from auth.principals import SYSTEM, Principal, Role, Scope
from auth.tokens import random_token, token_hash
from models.base import now_s
from models.mail_token import MailPurpose, MailToken
from models.user import User
from tests.support.people import make_person as make_administrator
from tests.webapp.api.test_pages_and_sockets import PageServer, serving
from webapp.services import api_keys, own_sessions, password_changes, people, sessions
from webapp.services.people import PersonChange

log = logging.getLogger(__name__)
PASSWORD, NEW_PASSWORD = "correct horse battery staple", "another long password"
LIMIT_S = 1.0
CREDENTIALS = ("access token", "refresh token", "API key", "cookie", "websocket")


@dataclass
class Person:
    """Somebody with everything open that there is: signed in by an API client and by a browser, with a key."""

    server: PageServer
    root: Principal
    principal: Principal
    tokens: sessions.TokenPair
    key: api_keys.NewKey
    cookie: str
    websocket: ClientConnection
    web: httpx.Client

    @property
    def api_session(self) -> str:
        return self.tokens.refresh_token.partition(".")[0]

    @property
    def browser_session(self) -> str:
        return sessions.principal_of_cookie(self.server.resources, self.cookie.partition("=")[2]).session_id

    def acting(self, session_id: str) -> Principal:
        """The principal as a request of one of the sessions has it."""
        return Principal(self.principal.user_id, self.principal.username, self.principal.role, session_id)

    def headers_of(self, credential: str) -> dict[str, str]:
        return {
            "access token": {"Authorization": f"Bearer {self.tokens.access_token}"},
            "API key": {"X-API-Key": self.key.key},
            "cookie": {"Cookie": self.cookie},
        }[credential]

    def is_open(self, credential: str) -> bool:
        """Use a credential; tell whether it still works."""
        if credential == "websocket":
            return self._socket_is_open()
        if credential == "refresh token":
            body = {"refresh_token": self.tokens.refresh_token}
            return self.web.post(f"{self.server.url}/api/v1/auth/refresh-token", json=body).is_success
        answer = self.web.get(f"{self.server.url}/api/v1/auth/me", headers=self.headers_of(credential))
        assert answer.status_code in (200, 401)
        return answer.is_success

    def is_administrator(self, credential: str) -> bool:
        headers = self.headers_of(credential)
        return self.web.get(f"{self.server.url}/api/v1/admin/users", headers=headers).is_success

    def _socket_is_open(self) -> bool:
        try:
            while True:
                self.websocket.recv(timeout=0.01)
        except TimeoutError:
            return True
        except ConnectionClosed:
            return False


def revoke_by_route(person: Person, method: str, path: str, credential: str) -> None:
    headers = person.headers_of(credential)
    if credential == "cookie":
        value = person.cookie.partition("=")[2]
        headers["X-CSRF-Token"] = sessions.csrf_token_of(person.server.resources, value)
    assert person.web.request(method, person.server.url + path, headers=headers).status_code in (204, 303)


def log_out_browser(person: Person) -> None:
    revoke_by_route(person, "POST", "/logout", "cookie")


def log_out_program(person: Person) -> None:
    revoke_by_route(person, "POST", "/api/v1/auth/logout", "access token")


def revoke_key(person: Person) -> None:
    revoke_by_route(person, "DELETE", f"/api/v1/auth/api-keys/{person.key.view.id}", "access token")


def log_out_elsewhere(person: Person) -> None:
    for session_id in (person.api_session, person.browser_session):
        sessions.close_session(person.server.resources, session_id)


def revoke_key_elsewhere(person: Person) -> None:
    api_keys.revoke_key(person.server.resources, person.acting(person.api_session), person.key.view.id)


def revoke_session_elsewhere(person: Person) -> None:
    own_sessions.revoke_session(person.server.resources, person.acting(person.api_session), person.browser_session)


def disable(person: Person) -> None:
    people.change_person(person.server.resources, person.root, person.principal.user_id, PersonChange(is_active=False))


def disable_in_the_table_alone(person: Person) -> None:
    with person.server.resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": person.principal.user_id})


def change_password(person: Person) -> None:
    acting = person.acting(person.api_session)
    password_changes.change_password(person.server.resources, acting, PASSWORD, NEW_PASSWORD)


def reset_by_mail(person: Person) -> None:
    token = random_token()
    with person.server.resources.database.write(SYSTEM) as session:
        values = {"purpose": MailPurpose.RESET, "user_id": person.principal.user_id, "expires_at": now_s() + 60}
        session.add(MailToken(token_hash=token_hash(token), **values))
    password_changes.reset_password(person.server.resources, token, NEW_PASSWORD)


def reset_by_administrator(person: Person) -> None:
    people.set_new_password(person.server.resources, person.root, person.principal.user_id)


def expire(person: Person) -> None:
    user = {"id": person.principal.user_id}
    with person.server.resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE login_sessions SET expires_at = 1 WHERE user_id = :id"), user)
        session.execute(text("UPDATE api_keys SET expires_at = 1 WHERE user_id = :id"), user)


def reuse_refresh_token(person: Person) -> None:
    """Somebody has copied the refresh token, and uses it after its owner has gone two steps further."""
    second = sessions.refresh_tokens(person.server.resources, person.tokens.refresh_token)
    sessions.refresh_tokens(person.server.resources, second.refresh_token)
    body = {"refresh_token": person.tokens.refresh_token}
    assert person.web.post(f"{person.server.url}/api/v1/auth/refresh-token", json=body).status_code == 401


@dataclass(frozen=True)
class Ending:
    """An event and what it ends; all other credentials go on."""

    happens: Callable[[Person], None]
    ends: frozenset[str]


ALL = frozenset(CREDENTIALS)
PROGRAM, BROWSER, KEY = frozenset({"access token", "refresh token"}), frozenset({"cookie", "websocket"}), {"API key"}
ENDINGS = {
    "logout of the browser": Ending(log_out_browser, BROWSER),
    "logout of the program": Ending(log_out_program, PROGRAM),
    "logout at another process": Ending(log_out_elsewhere, PROGRAM | BROWSER),
    "session revoked at another process": Ending(revoke_session_elsewhere, BROWSER),
    "key revoked": Ending(revoke_key, frozenset(KEY)),
    "key revoked at another process": Ending(revoke_key_elsewhere, frozenset(KEY)),
    "refresh token reused": Ending(reuse_refresh_token, PROGRAM),
    "disabled": Ending(disable, ALL),
    "disabled in the table alone": Ending(disable_in_the_table_alone, ALL),
    "password changed": Ending(change_password, ALL - PROGRAM),  # by the program, whose session stays
    "password reset by mail": Ending(reset_by_mail, ALL),
    "password reset by an administrator": Ending(reset_by_administrator, ALL),
    "expired": Ending(expire, ALL),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("endings")) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def root(server):
    return make_administrator(server.resources, "root", Role.ADMIN)


@pytest.fixture(scope="module")
def stored_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def make_person(server, root, stored_hash):
    """Make somebody with everything open."""
    opened = ExitStack()

    def make(name: str, role: Role = Role.USER) -> Person:
        with server.resources.database.write(SYSTEM) as session:
            session.add(user := User(username=name, password_hash=stored_hash, role=str(role)))
            session.flush()
            principal = Principal(user.id, name, role)
        tokens = sessions.issue_tokens(server.resources, principal)
        scopes = {Scope.READ, Scope.ADMIN} if role is Role.ADMIN else {Scope.READ}
        key = api_keys.create_key(server.resources, principal, "key", scopes)
        cookie, _ = server.cookie_of(principal)
        connection = server.connect(server.page_token(cookie), Cookie=cookie, Origin=server.origin)
        websocket = opened.enter_context(connection)
        websocket.recv(timeout=30)
        web = opened.enter_context(httpx.Client(timeout=60))
        return Person(server, root, principal, tokens, key, cookie, websocket, web)

    with opened:
        yield make


@pytest.mark.parametrize("event", ENDINGS)
def test_what_an_event_ends_is_over_within_a_second_and_nothing_else(make_person, event):
    ending = ENDINGS[event]
    person = make_person(event.replace(" ", "-"))
    used_before = set(CREDENTIALS) - {"refresh token"}  # each use of a refresh token changes it
    assert all(person.is_open(credential) for credential in used_before)
    ending.happens(person)
    happened_at = time.monotonic()
    waiting, last_open_s = set(ending.ends) - {"refresh token"}, dict.fromkeys(sorted(ending.ends), 0.0)
    while waiting:
        for credential in sorted(waiting):
            asked_s = time.monotonic() - happened_at
            if not person.is_open(credential):
                waiting.discard(credential)
                continue
            last_open_s[credential] = asked_s
            assert asked_s < LIMIT_S, f"{credential} still works {asked_s:.2f} s after: {event}"
        time.sleep(0.02)
    log.info("%s: last seen open after s: %s", event, {name: round(value, 2) for name, value in last_open_s.items()})
    assert {credential for credential in CREDENTIALS if person.is_open(credential)} == ALL - ending.ends


def test_a_role_that_was_taken_is_gone_within_a_second_for_every_credential(make_person, server):
    person = make_person("deputy", Role.ADMIN)
    credentials = ("access token", "API key", "cookie")
    assert all(person.is_administrator(credential) for credential in credentials)
    assert person.is_open("websocket")
    people.change_person(server.resources, person.root, person.principal.user_id, PersonChange(role=Role.USER))
    happened_at = time.monotonic()
    for credential in credentials:
        asked_s = time.monotonic() - happened_at
        while person.is_administrator(credential):
            assert asked_s < LIMIT_S, credential
            time.sleep(0.02)
            asked_s = time.monotonic() - happened_at
    while person.is_open("websocket"):  # the page behind it goes on with the role of its beginning: it has to end
        assert time.monotonic() - happened_at < LIMIT_S, "websocket"
        time.sleep(0.02)
    assert all(person.is_open(credential) for credential in ("access token", "cookie"))
