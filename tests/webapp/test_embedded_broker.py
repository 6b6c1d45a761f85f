"""The broker that comes with the product, run for real."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from webapp.embedded_broker import EmbeddedBroker, prepare_broker

START_S = 20


@contextmanager
def running(broker: EmbeddedBroker) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(broker.command, cwd=broker.folder, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_until_it_answers(broker: EmbeddedBroker) -> None:
    deadline = time.monotonic() + START_S
    while not broker.answers():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def push(broker: EmbeddedBroker, value: str) -> None:
    with Redis.from_url(broker.url) as client:
        client.rpush("queue", value)


def test_it_keeps_its_content_over_a_restart_with_another_password(tmp_path: Path) -> None:
    first = prepare_broker(tmp_path / "a broker")
    with running(first):
        wait_until_it_answers(first)
        push(first, "kept")
    second = prepare_broker(tmp_path / "a broker")
    with running(second):
        wait_until_it_answers(second)
        with Redis.from_url(second.url) as client:
            assert client.lrange("queue", 0, -1) == [b"kept"]

    assert second.password != first.password


def test_it_wants_its_password_and_listens_on_this_machine_only(tmp_path: Path) -> None:
    broker = prepare_broker(tmp_path)
    with running(broker):
        wait_until_it_answers(broker)
        with Redis(port=broker.port) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        with Redis.from_url(broker.url) as client:
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0


def test_a_damaged_journal_is_set_aside(tmp_path: Path) -> None:
    broker = prepare_broker(tmp_path)
    with running(broker):
        wait_until_it_answers(broker)
        push(broker, "lost")
    for part in (tmp_path / "appendonlydir").glob("*.incr.aof"):
        part.write_bytes(b"*3\r\n$-7\r\nnonsense\r\n" * 20)
    with running(broker) as process:
        assert process.wait(timeout=START_S) != 0

    aside = broker.set_journal_aside()
    with running(broker):
        wait_until_it_answers(broker)
    assert aside is not None
    assert aside.is_dir()


def test_the_address_is_written_for_the_owner_and_taken_back(tmp_path: Path) -> None:
    broker = prepare_broker(tmp_path)
    broker.write_address()

    assert (tmp_path / "url").read_text() == broker.url
    assert (tmp_path / "url").stat().st_mode & 0o077 == 0
    broker.remove_address()
    assert not (tmp_path / "url").exists()
