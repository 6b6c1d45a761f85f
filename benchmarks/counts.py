"""Things that are exact or wrong: what was counted beside what had to be counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import OURS, Row, publish, row_of

PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one thing, what it had to be, and the seconds that it took."""

    case: str
    metric: str
    count: int
    expected: int
    wall_s: float

    @property
    def rows(self) -> list[Row]:
        """Return it as measured quantities."""
        return [
            row_of(OURS, self.case, self.metric, "", [self.count]),
            row_of(PROMISED, self.case, self.metric, "", [self.expected]),
            row_of(OURS, self.case, "time", "s", [self.wall_s]),
        ]


def publish_counts(bench: str, found: Sequence[Counted], json_file: Path | None) -> int:
    """Print and write what was counted; return the exit code, 1 where anything is not exact."""
    publish(bench, [row for one in found for row in one.rows], json_file)
    wrong = [one for one in found if one.count != one.expected]
    for one in wrong:
        print(f"NOT EXACT: {one.case}: {one.metric} {one.count}, not {one.expected}")
    return 1 if wrong else 0
