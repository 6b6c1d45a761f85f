import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hostile.case import Verdict
from tests.support.hostile.corpus import COSTLY, all_cases
from tests.support.hostile.lures import watched_lures

ROOT = Path(__file__).resolve().parents[2]
LIMIT_CPU_S = 10.0


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What became of each file, and whether a lure was touched."""
    with watched_lures(tmp_path_factory.mktemp("lures")) as watch:
        child = subprocess.run(
            [sys.executable, "-m", "tests.support.hostile.checking", str(watch.lures.file), watch.lures.url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        touched = watch.touched
        watch.prove()
    lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith('{"c')]
    assert child.returncode == 0, f"died at {lines[-1:]}: {child.stderr[-2000:]}"
    return {begun["case"]: ended for begun, ended in zip(lines[::2], lines[1::2], strict=True)}, touched


def test_the_corpus_is_as_large_as_promised():
    groups = [case.group for case in all_cases()]
    assert len(groups) >= 150
    for group, least in {
        "tiff": 60,
        "pictures": 20,
        "disguised": 20,
        "archives": 30,
        "names": 20,
        "vectors": 20,
    }.items():
        assert groups.count(group) >= least, group


def test_every_file_is_refused_with_a_code_or_taken_as_it_should(checked):
    answers, _ = checked
    wanted = {case.name: case.verdict for case in all_cases() if case.group != "names" and case.name not in COSTLY}
    assert answers.keys() == wanted.keys()
    wrong = [
        f"{name}: {answers[name]['code'] or 'taken'}, not {verdict}"
        for name, verdict in wanted.items()
        if verdict is not Verdict.EITHER and bool(answers[name]["code"]) is not (verdict is Verdict.REFUSED)
    ]
    assert not wrong, "\n".join(wrong)
    slow = [name for name, answer in answers.items() if answer["cpu_s"] > LIMIT_CPU_S]
    assert not slow


def test_no_file_made_a_check_look_elsewhere(checked):
    assert checked[1] == 0
