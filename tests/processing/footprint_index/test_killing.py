"""Killed at any moment, the index opens to its last commit, and what was begun is swept away."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from processing.footprint_index.index import FootprintIndex
from tests.processing.footprint_index.writing_child import expected

ROUNDS = 8
MODULE = "tests.processing.footprint_index.writing_child"


@pytest.fixture
def nursery(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that lets children write and kills them."""
    command = [sys.executable, "-m", MODULE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def write_and_kill(nursery: "subprocess.Popen[str]", after_s: float) -> int:
    """Return the last position that a child reported before it was killed."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{after_s}\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def test_a_killed_writer_leaves_its_last_commit(folder: Path, nursery: "subprocess.Popen[str]") -> None:
    rng = random.Random(11)
    for _ in range(ROUNDS):
        reported = write_and_kill(nursery, rng.uniform(0.0, 0.12))

        snapshot = FootprintIndex(folder).snapshot()
        # The child may have been killed between a commit and its report.
        assert reported <= snapshot.position <= reported + 1
        assert snapshot.checksum == snapshot.recount() == expected(snapshot.position)


def test_leftovers_are_swept_by_the_next_writer(folder: Path) -> None:
    FootprintIndex(folder).apply(position=1)
    for name in ("half.segment", "half.dead", "half.sources"):
        (folder / name).write_bytes(b"begun")
    index = FootprintIndex(folder)

    index.apply(position=2)

    assert [path.name for path in folder.iterdir() if path.suffix in (".segment", ".dead", ".sources")] == []
