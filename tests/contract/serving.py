"""The API on a real server, and the document that it serves of itself."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import uvicorn
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from auth import passwords
from auth.principals import Role
from tests.contract.world import World
from tests.support.broker import running_broker
from tests.support.mailbox import running_mailbox
from webapp.api.main import create_app
from webapp.resources import Resources, open_resources
from webapp.services.health import note_worker
from webapp.settings import load_settings

QUICK_HASHES = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
"""The same algorithm with less work: hundreds of calls sign in."""
NO_LIMITS = {
    "free_calls_per_hour": 0,
    "free_jobs_per_hour": 0,
    "premium_calls_per_hour": 0,
    "premium_jobs_per_hour": 0,
    "public_calls_per_minute": 0,
}
"""Else most answers would be 429."""


@contextmanager
def installation(database_url: str, folder: Path) -> Iterator[World]:
    """Open an installation on a migrated, empty database: with a mail server, a broker and a worker's sign of life."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(passwords, "_hasher", QUICK_HASHES))
        settings = load_settings(
            **NO_LIMITS,
            data_dir=folder / "data",
            database_url=database_url,
            redis_url=stack.enter_context(running_broker(folder / "broker")).url,
            smtp_url=stack.enter_context(running_mailbox()).address,
            registration_open=True,
            heartbeat_s=10_000,
            lease_s=40_000,
        )
        resources = open_resources(settings)
        stack.callback(resources.close)
        note_worker(resources, "contract", 1)
        yield World(resources, folder)


@contextmanager
def served(resources: Resources) -> Iterator[str]:
    """Serve the API in this process; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(resources), log_level="critical", ws="none", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server does not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def document_of(url: str, world: World) -> dict[str, Any]:
    """Fetch the OpenAPI document as somebody who may."""
    world.enter(Role.USER)
    headers = {"Authorization": f"Bearer {world.token()}"}
    return dict(httpx.get(f"{url}/api/v1/openapi.json", headers=headers, timeout=120).raise_for_status().json())
