"""A child that reads what strangers sent can do nothing else, whatever the file makes of it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from processing.confinement import RIGHTS_SINCE, missing_walls
from processing.limited_child import ROOT, Question, run_limited

ALLOWED = ("read mine", "write to the folder", "remove from the folder")
TESTS = Path(__file__).parents[1]


@pytest.fixture
def attempts(tmp_path, monkeypatch):
    """What a child could do, and could not."""
    if missing_walls():
        pytest.skip(f"this machine cannot put up walls: {missing_walls()}")
    monkeypatch.setenv("SECRET_KEY", "nobody may know this")
    mine, other, folder = (tmp_path / name for name in ("mine.tif", "other.tif", "scratch"))
    mine.write_bytes(b"mine")
    other.write_bytes(b"somebody else's")
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        request = {"mine": str(mine), "other": str(other), "folder": str(folder), "url": url}
        reads = [mine, TESTS]
        found = run_limited(Question("tests.processing.trespassing", request, reads, changes=[folder]), 60)
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert mine.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.tif", "other.tif", "scratch"]
    return found


def test_only_what_was_named_can_be_touched(attempts):
    environment = attempts.pop("environment")
    assert "SECRET_KEY" not in environment
    assert set(environment) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PWD"} | {
        name for name in environment if name.startswith("PYTHON")
    }
    assert {name for name, outcome in attempts.items() if outcome == "done"} == set(ALLOWED)
    assert {attempts[name] for name in attempts if name not in ALLOWED} == {"PermissionError"}


def test_walls_that_the_kernel_does_not_have_are_told_and_left_out():
    """With the numbers of calls that no kernel has, as an old one answers."""
    code = (
        "import platform; from processing import confinement as c; from pathlib import Path\n"
        "c.CREATE_RULESET = 4000; c.CALLS.clear()\n"
        "print(len(c.missing_walls())); c.confine_this_process([]); print(Path('README.md').stat().st_size > 0)"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.split() == ["2", "True"]


def test_each_version_of_landlock_knows_more_rights():
    assert [bin(rights).count("1") for rights in RIGHTS_SINCE.values()] == [13, 14, 15, 16]
