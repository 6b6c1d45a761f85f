"""The form in which benchmarks report."""

import json
from pathlib import Path

import pytest

from benchmarks.report import OURS, publish, read_options, row_of


def test_rows_are_summed_up_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = row_of(OURS, "a scene", "speed", "MP/s", [1.0, 2.0, 3.0])
    rows = [ours, row_of("peer", "a scene", "speed", "MP/s", [0.5])]

    publish("extract", rows, tmp_path / "rows.json")

    content = json.loads((tmp_path / "rows.json").read_text())
    assert set(content) == {"bench", "machine", "rows"}
    assert content["rows"][0] == {
        "subject": "ours", "case": "a scene", "metric": "speed", "unit": "MP/s", "median": 2.0, "p95": 2.9, "n": 3,
    }  # fmt: skip
    assert content["rows"][1]["p95"] == 0.5
    assert "peer" in capsys.readouterr().out


def test_every_benchmark_takes_the_same_options() -> None:
    options = read_options("extract", ["--quick", "--json", "out.json"])

    assert options.quick
    assert options.json == Path("out.json")
