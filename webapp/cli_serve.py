"""`serve` and `demo`: the whole installation as supervised processes on this machine."""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.confinement import missing_walls
from webapp import installation
from webapp.console import Console
from webapp.embedded_broker import EmbeddedBroker, prepare_broker
from webapp.installation import ROOT
from webapp.log_files import LogFile
from webapp.settings import Settings
from webapp.supervised import Command
from webapp.supervisor import StartFailed, StopRequested, Supervisor
from webapp.warden import Warden, die_with_parent

BROKER_START_S = 20.0
START_S = 180.0
PROBE_S = 5.0


def add_serve(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("serve", help="start everything and print the address")
    add_serve_options(parser)
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write the address here when all is healthy")
    parser.set_defaults(run=run_serve)


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """Add what `serve` and `demo` have in common."""
    parser.add_argument("--port", type=int, help="port to listen on (8000; 0 takes a free one)")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")


def run_serve(args: argparse.Namespace) -> int:
    """Serve until somebody asks to stop."""
    return serve(args.settings, ready_file=args.ready_file)


def serve(settings: Settings, ready_file: Path | None = None, then: list[str] | None = None) -> int:
    """Start everything, wait until it is healthy, watch it, stop it in order; return the exit code.

    `then` is a command that is run once when all is healthy. Raises `StartFailed`.
    """
    installation.prepare_folder(settings.data_dir)
    if ready_file is not None:
        installation.require_folder_of(ready_file)
    with installation.lock_folder(settings.data_dir), installation.take_port(settings.host, settings.port) as listener:
        running = _Installation(settings, listener, Console(), ready_file)
        return running.run(then)


@dataclass
class _Installation:
    """One start of an installation, from the first process to the last."""

    settings: Settings
    listener: socket.socket
    console: Console
    ready_file: Path | None

    def run(self, then: list[str] | None) -> int:
        self._forget_address()
        warden = Warden()
        supervisor = Supervisor(self.console, warden)
        broker = None
        try:
            broker = self._start_all(supervisor)
            self._announce()
            if then:
                command = Command("demo", then, ROOT, self._environment, stop_s=2.0, is_errand=True)
                supervisor.start(command, self._log("demo"))
            supervisor.run_forever()
        except StopRequested:
            pass
        finally:
            self._stop_all(supervisor, broker)
            warden.close()
        self.console.say("Stopped.")
        return 0

    @property
    def _environment(self) -> dict[str, str]:
        return installation.child_environment(self.settings, self.listener)

    def _start_all(self, supervisor: Supervisor) -> EmbeddedBroker | None:
        self.console.say(f"Building Footprint AI, data in {self.settings.data_dir}")
        for wall in missing_walls():
            self.console.line("uploads", f"files are checked without this wall: {wall}; see docs/uploads.md")
        broker = None if self.settings.redis_url else self._start_broker(supervisor)
        self._prepare_database()
        environment = self._environment
        supervisor.start(installation.dispatcher_command(environment), self._log("dispatcher"))
        supervisor.start(installation.indexer_command(environment), self._log("indexer"))
        supervisor.start(installation.worker_command(self.settings, environment), self._log("worker"))
        supervisor.start(installation.exporter_command(environment), self._log("exporter"))
        supervisor.start(installation.server_command(self.listener, environment), self._log("server"))
        self._wait_until_healthy(supervisor)
        return broker

    def _start_broker(self, supervisor: Supervisor) -> EmbeddedBroker:
        started = time.monotonic()
        broker = prepare_broker(self.settings.data_dir / "broker")
        child = supervisor.start(installation.broker_command(broker, self._environment), self._log("broker"))
        try:
            _wait_for_broker(supervisor, broker)
        except StartFailed:
            aside = broker.set_journal_aside()
            if aside is None:
                raise
            self.console.line("broker", f"cannot read its journal, which is now {aside.name}; jobs are sent again")
            supervisor.start_again(child)
            _wait_for_broker(supervisor, broker)
        broker.write_address()
        self.console.line("broker", f"ready ({time.monotonic() - started:.1f} s)")
        return broker

    def _prepare_database(self) -> None:
        started = time.monotonic()
        child = _run_prepare(self._environment)
        log = self._log("database")
        log.write(child.stderr.encode())
        log.close()
        if child.returncode:
            last = child.stderr.strip().splitlines()[-1:] or ["no reason was given"]
            raise StartFailed(detail=last[0].removeprefix("run: "))
        self.console.line("database", f"ready ({time.monotonic() - started:.1f} s)")
        if password := child.stdout.strip():
            self._tell_password(password)

    def _tell_password(self, password: str) -> None:
        self.console.say()
        self.console.say(f"  First start: sign in as '{self.settings.admin_username}' with the password")
        self.console.say(f"  {password}")
        self.console.say("  It is shown only now; keep it.")
        self.console.say()

    def _wait_until_healthy(self, supervisor: Supervisor) -> None:
        started = time.monotonic()
        found: dict[str, Any] = {}

        def is_healthy() -> bool:
            found.clear()
            found.update(self._health())
            return found.get("status") == "ok"

        if not supervisor.wait_until(is_healthy, START_S):
            raise StartFailed(detail=_why_unhealthy(found))
        self.console.line("everything", f"healthy ({time.monotonic() - started:.1f} s)")

    def _health(self) -> dict[str, Any]:
        host, port = self.listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        connection = http.client.HTTPConnection(host, port, timeout=PROBE_S)
        try:
            connection.request("GET", "/health")
            answer = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else {}

    def _announce(self) -> None:
        address = installation.address_of(self.listener)
        for path in self._address_files:
            draft = path.with_name(f".{path.name}.new")
            draft.write_text(address + "\n")
            os.replace(draft, path)
        self.console.say(f"Open {self.settings.public_url or address} in a browser. Ctrl-C stops everything.")

    def _stop_all(self, supervisor: Supervisor, broker: EmbeddedBroker | None) -> None:
        if supervisor.children:
            self.console.say("Stopping …")
        supervisor.stop()
        if broker is not None:
            broker.remove_address()
        self._forget_address()

    @property
    def _address_files(self) -> list[Path]:
        own = installation.address_path(self.settings.data_dir)
        return [own] if self.ready_file is None else [own, self.ready_file]

    def _forget_address(self) -> None:
        for path in self._address_files:
            path.unlink(missing_ok=True)

    def _log(self, name: str) -> LogFile:
        return LogFile(self.settings.data_dir / "logs" / f"{name}.log")


def _wait_for_broker(supervisor: Supervisor, broker: EmbeddedBroker) -> None:
    if not supervisor.wait_until(broker.answers, BROKER_START_S):
        raise StartFailed(detail=f"The broker does not answer after {BROKER_START_S:.0f} s.")


def _run_prepare(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Migrate in a process of its own: the supervisor stays small, and the password is in no log."""
    return subprocess.run(
        [sys.executable, "-m", "webapp.cli", "prepare"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,
        check=False,
    )


def _why_unhealthy(found: dict[str, Any]) -> str:
    checks = found.get("checks", {})
    failing = [f"{name}: {check['detail']}" for name, check in checks.items() if not check["ok"]]
    reason = "; ".join(failing) or "the server does not answer"
    return f"Not everything is healthy after {START_S:.0f} s ({reason})."
