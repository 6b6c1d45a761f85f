"""Limits of calls: exact over several servers, told in headers, and no trap while the broker is away."""

import asyncio
import time

import httpx
import pytest

from auth.principals import Role
from tests.support.own_loop import run_alone
from tests.support.people import make_person
from webapp.services import sessions

LIMITED = {"free_calls_per_hour": 40, "premium_calls_per_hour": 60, "enterprise_calls_per_hour": 0}


def token_of(api, person):
    return {"Authorization": f"Bearer {sessions.issue_tokens(api.resources, person).access_token}"}


def flood(urls, headers, calls):
    """Send calls to several servers at once; return the answers."""

    async def send_all():
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as client:
            return await asyncio.gather(*(client.get(f"{urls[at % len(urls)]}/api/v1/jobs") for at in range(calls)))

    return run_alone(send_all())


@pytest.fixture
def servers(make_resources, serve, broker):
    """Four servers with one database and one broker."""
    started = [serve(make_resources(redis_url=broker.url, secret_key="k" * 40, **LIMITED)) for _ in range(4)]
    for server in started:  # FastAPI prepares routes at the first call, and changes filters of warnings meanwhile
        httpx.get(f"{server.url}/health", timeout=60)
    return started


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_four_servers_allow_together_what_the_tier_allows(servers, alice):
    answers = flood([server.url for server in servers], token_of(servers[0], alice), 100)
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(429)) == (40, 60)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "CallLimitExceeded"
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["RateLimit-Policy"] == '"hour";q=40;w=3600'
    assert refused.headers["RateLimit"].startswith('"hour";r=0;t=')
    assert refused.headers["X-Request-ID"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_each_person_has_their_own_and_administrators_have_none(servers, resources, alice, administrator):
    premium = make_person(resources, "paula", Role.PREMIUM)
    url = servers[0].url
    for person, allowed in ((alice, 40), (premium, 60), (administrator, 70)):
        codes = [answer.status_code for answer in flood([url], token_of(servers[0], person), 70)]
        assert codes.count(200) == allowed
    assert "RateLimit" not in flood([url], token_of(servers[0], administrator), 1)[0].headers


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_all_keys_and_sessions_of_a_person_count_as_one_and_pages_do_not_count(servers, alice):
    api = servers[0]
    first, second = api.program(alice), api.program(alice)
    told = [first.get("/api/v1/jobs").headers["RateLimit"], second.get("/api/v1/jobs").headers["RateLimit"]]
    assert [one.split(";")[1] for one in told] == ["r=39", "r=38"]
    for path in ("/tiles/base/0/0/0.png", "/api/v1/openapi.json"):
        assert "RateLimit" not in first.get(path).headers


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_who_waits_as_told_is_let_in_again(make_resources, serve, broker, alice, monkeypatch):
    monkeypatch.setattr("webapp.api.call_limits.HOUR_S", 2)
    api = serve(make_resources(redis_url=broker.url, free_calls_per_hour=3))
    client = api.program(alice)
    answers = [client.get("/api/v1/jobs") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    time.sleep(int(answers[-1].headers["Retry-After"]))
    assert client.get("/api/v1/jobs").status_code == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_without_a_broker_each_server_counts_for_itself_and_answers_at_once(make_resources, serve, broker, alice):
    api = serve(make_resources(redis_url=broker.url, broker_timeout_s=0.5, **LIMITED))
    client = api.program(alice)
    assert client.get("/api/v1/jobs").status_code == 200
    broker.freeze()
    try:
        began_at = time.monotonic()
        codes = [client.get("/api/v1/jobs").status_code for _ in range(45)]
        assert time.monotonic() - began_at < 20
        assert (codes.count(200), codes.count(429)) == (40, 5)
    finally:
        broker.thaw()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("proxies", "allowed"), [((), 5), (("127.0.0.1",), 8), (("10.1.1.1",), 5)])
def test_an_address_is_believed_of_a_known_proxy_alone(make_resources, serve, broker, proxies, allowed):
    api = serve(make_resources(redis_url=broker.url, public_calls_per_minute=5, trusted_proxies=proxies))
    client = api.anonymous()
    body = {"refresh_token": "x"}
    answers = [
        client.post("/api/v1/auth/refresh-token", json=body, headers={"X-Forwarded-For": f"10.0.0.{at}"})
        for at in range(8)
    ]
    assert [answer.status_code for answer in answers] == [401] * allowed + [429] * (8 - allowed)
    assert client.get("/login").status_code == 200
