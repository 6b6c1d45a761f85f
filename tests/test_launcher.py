"""`./run` as a person meets it: started, refused, interrupted, killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.launched import (
    ROOT,
    RUN,
    Launched,
    launched,
    plain_environment,
    post_json,
    processes_of,
    require_own_environment,
    run_to_end,
    wait_until_gone,
)

PASSWORD = re.compile(r"sign in as 'admin' with the password\n\s+(\S+)\n")
TOOLS = ("bash", "env", "readlink", "cksum", "cat", "mkdir", "find", "grep", "tail", "mv", "rm")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    require_own_environment()
    folder = tmp_path_factory.mktemp("a site")
    with launched(folder / "some" / "new data", folder / "ready") as running:
        running.wait_until_ready()
        yield running


def sign_in(site: Launched, password: str) -> str:
    credentials = {"username": "admin", "password": password}
    return str(post_json(f"{site.address}/api/v1/auth/login", credentials)["access_token"])


def wait_for(text: str, site: Launched, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while text not in site.output:
        assert time.monotonic() < deadline, site.output
        time.sleep(0.1)


def assert_refused(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    """One sentence that says why, and a code other than 0."""
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("run: ")]
    assert len(said) == 1, done.stderr
    assert words in said[0]
    assert "Traceback" not in done.stderr


def test_the_first_start_prints_a_password_once_that_works(site: Launched) -> None:
    passwords = PASSWORD.findall(site.output)

    assert len(passwords) == 1
    assert sign_in(site, passwords[0])
    logs = "".join(path.read_text(errors="replace") for path in (site.data_dir / "logs").iterdir())
    assert passwords[0] not in logs


def test_all_state_is_below_the_data_folder(site: Launched) -> None:
    names = {path.name for path in site.data_dir.iterdir()}

    assert {"app.db", "broker", "logs", "secret.key"} <= names
    assert site.data_dir.stat().st_mode & 0o077 == 0
    assert (site.data_dir / "broker" / "url").stat().st_mode & 0o077 == 0


def test_a_busy_port_is_said_in_one_sentence(site: Launched, tmp_path: Path) -> None:
    port = site.address.rpartition(":")[2]

    assert_refused(run_to_end("--port", port, "--data", str(tmp_path / "d")), f"Port {port}")
    assert processes_of(tmp_path / "d") == []


def test_a_data_folder_serves_one_supervisor(site: Launched) -> None:
    before = sorted(processes_of(site.data_dir))

    assert_refused(run_to_end("--port", "0", "--data", str(site.data_dir)), "in use by process")
    assert sorted(processes_of(site.data_dir)) == before


def test_a_killed_child_is_started_again(site: Launched) -> None:
    for words, name in (("webapp.dispatcher", "dispatcher"), ("valkey-server", "broker")):
        killed = site.child(words)
        os.kill(killed, signal.SIGKILL)
        wait_for(f"{name:<11} stopped (killed by SIGKILL)", site)
        deadline = time.monotonic() + 30
        while site.child_or_none(words) in (None, killed):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_an_interrupt_leaves_nothing_and_a_second_start_finds_everything(tmp_path: Path) -> None:
    require_own_environment()
    data_dir, ready = tmp_path / "data", tmp_path / "ready"
    secret = "correct horse battery"
    with launched(data_dir, ready, ADMIN_PASSWORD=secret) as first:
        first.wait_until_ready()
        assert not PASSWORD.search(first.output)
        assert first.interrupt() == 0
        assert processes_of(data_dir) == []
        assert not ready.exists()
    with launched(data_dir, ready) as second:
        second.wait_until_ready()
        assert not PASSWORD.search(second.output)
        assert sign_in(second, secret)
        second.process.kill()
        second.process.wait()
        assert wait_until_gone(data_dir) == []


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence() -> None:
    require_own_environment()

    assert_refused(run_to_end("--port", "0", "--data", "/proc/nowhere"), "/proc/nowhere cannot be written")


def test_a_full_disk_is_said_in_one_sentence() -> None:
    require_own_environment()
    folder = small_file_system()
    try:
        (folder / "ballast").write_bytes(b"x" * 900_000)
        assert_refused(run_to_end("--port", "0", "--data", str(folder / "data")), "disk")
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def test_a_ready_file_that_cannot_be_written_is_said_before_anything_starts(tmp_path: Path) -> None:
    require_own_environment()

    done = run_to_end("serve", "--port", "0", "--data", str(tmp_path / "d"), "--ready-file", str(tmp_path / "no" / "f"))

    assert_refused(done, "ready file")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("REDIS_URL=redis://127.0.0.1:1/0", "The broker cannot be reached"),
        ("DATABASE_URL=postgresql://nobody@127.0.0.1:1/none", "The database cannot be used"),
        ("PORT=many", "The setting PORT cannot be used"),
    ],
)
def test_a_setting_that_leads_nowhere_is_said_in_one_sentence(setting: str, words: str, tmp_path: Path) -> None:
    require_own_environment()
    name, _, value = setting.partition("=")
    arguments = ["serve", "--data", str(tmp_path / "d")] + ([] if name == "PORT" else ["--port", "0"])

    assert_refused(run_to_end(*arguments, env=plain_environment(**{name: value})), words)
    assert processes_of(tmp_path / "d") == []


def test_an_unknown_verb_is_said_in_one_sentence() -> None:
    assert_refused(run_to_end("fly"), "no verb 'fly'")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without environment whose application only repeats its arguments."""
    folder = tmp_path / "a checkout"
    (folder / "webapp").mkdir(parents=True)
    shutil.copy(RUN, folder)
    shutil.copy(ROOT / "requirements-uv.txt", folder)
    shutil.copy(ROOT / "requirements-uv.txt", folder / "requirements.txt")
    (folder / "webapp" / "__init__.py").touch()
    (folder / "webapp" / "cli.py").write_text("import sys\nprint('arguments', *sys.argv[1:])\n")
    return folder


def narrow_path(folder: Path) -> Path:
    """Make a folder of commands that holds no Python."""
    commands = folder / "commands"
    commands.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (commands / name).symlink_to(found)
    return commands


def put_script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def launch(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [checkout / "run", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def begin(checkout: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [checkout / "run", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=plain_environment(), stdout=pipe, stderr=pipe, text=True)


def test_a_missing_python_is_said_in_one_sentence(checkout: Path, tmp_path: Path) -> None:
    commands = narrow_path(tmp_path)
    put_script(commands / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    put_script(commands / "python3", f'test "$1" = -I && exec {shutil.which("false")}')

    done = launch(checkout, PATH=str(commands), HOME=str(tmp_path / "home"))

    assert_refused(done, "Python 3.12 to 3.14 is needed and was not found")
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_said_with_the_package_to_install(checkout: Path, tmp_path: Path) -> None:
    commands = narrow_path(tmp_path)
    put_script(commands / "python3.13", 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.13;; esac; cat >/dev/null')

    done = launch(checkout, PATH=str(commands), HOME=str(tmp_path / "home"))

    assert_refused(done, "apt install python3.13-venv")


def test_an_index_that_does_not_answer_is_said_in_one_sentence(checkout: Path, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        environment = plain_environment(PIP_INDEX_URL=nowhere, PIP_RETRIES="0", HOME=str(tmp_path))
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
            environment.pop(name, None)
        done = launch(checkout, "extract", **environment)

    assert_refused(done, "could not be downloaded; check the network")
    assert not (checkout / ".venv" / ".installed").exists()


def test_the_environment_is_made_once_and_repaired_when_half_made(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("half a file")
    together = [begin(checkout, "extract", str(number)) for number in range(2)]
    answers = [process.communicate(timeout=200) for process in together]
    if any("check the network" in error for _, error in answers):
        pytest.skip("the package index cannot be reached")

    assert [process.returncode for process in together] == [0, 0], answers
    assert [out.strip() for out, _ in answers] == ["arguments extract 0", "arguments extract 1"]
    assert sum("Preparing .venv" in error for _, error in answers) == 1
    started = time.monotonic()
    again = launch(checkout, "extract", **plain_environment())
    assert again.stdout.strip() == "arguments extract"
    assert "Preparing" not in again.stderr
    assert time.monotonic() - started < 5


def small_file_system() -> Path:
    """Mount one megabyte of memory, or skip where that is not allowed."""
    folder = Path("/run" if os.access("/run", os.W_OK) else "/tmp") / f"small-{os.getpid()}"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a small file system")
    return folder
