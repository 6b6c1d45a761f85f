"""Fills the peer's table for `bench api`. Argument: number of footprints; PLAIN_DATABASE says where."""

import sys

from benchmarks import api_plain
from benchmarks.map_towns import town_batches


def main() -> None:
    """Store them all."""
    rows = int(sys.argv[1])
    api_plain.fill(town_batches(rows))
    print(rows)


if __name__ == "__main__":
    main()
