"""A process that lets children of its own write to an index and kills them, each after the time that it reads.

Each commit of a child adds 40 footprints, edits 10 of the previous ones and deletes 5; every third time it merges.
A fork spares each of them seconds of imports.
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.checksums import Checksum, checksum_of
from processing.footprint_index.index import FootprintIndex
from tests.processing.footprint_index.made_footprints import random_batch

ADDED, EDITED, DELETED = 40, 10, 5


def step(index: FootprintIndex, number: int) -> None:
    """Commit one step."""
    batch = random_batch(ADDED + EDITED, seed=number, first_id=ADDED * number - EDITED)
    versions = np.where(batch.ids < ADDED * number, 2, 1).astype(np.int32)
    deleted = ADDED * (number - 1) + np.arange(DELETED)
    index.apply(FootprintBatch(**{**vars(batch), "versions": versions}), deleted=deleted, position=number)


def expected(steps: int) -> Checksum:
    """Return what the index must add up to after so many steps."""
    version = {}
    for number in range(1, steps + 1):
        for key in range(ADDED * number - EDITED, ADDED * (number + 1)):
            version[key] = 2 if key < ADDED * number else 1
        for key in range(ADDED * (number - 1), ADDED * (number - 1) + DELETED):
            version.pop(key, None)
    return checksum_of(np.array([*version], np.int64), np.array([*version.values()], np.int32))


def load_compiled_code(index: FootprintIndex) -> None:
    """Do everything once, so that the children need not."""
    for number in range(1, 4):
        step(index, number)
    index.compact(everything=True)


def write_for_ever(folder: Path, report: int) -> None:
    """Write, and report the position of each commit after it is done."""
    index = FootprintIndex(folder)
    while True:
        number = index.snapshot().position + 1
        step(index, number)
        os.write(report, f"{number}\n".encode())
        if number % 3 == 0:
            index.compact(everything=number % 2 == 0)


def write_and_kill(folder: Path, after_s: float) -> int:
    """Let a child write, kill it some time after its first commit, and return the last position that it reported."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        write_for_ever(folder, writer)
    os.close(writer)
    reported = os.read(reader, 100)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reader, 65_536):
        reported += more
    os.close(reader)
    return int(reported.split()[-1])


def main(folder: Path) -> None:
    """Read times in seconds, and write after each the position that its child last reported."""
    with tempfile.TemporaryDirectory() as aside:
        load_compiled_code(FootprintIndex(Path(aside)))
    for line in sys.stdin:
        sys.stdout.write(f"{write_and_kill(folder, float(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
