"""The house stands as docs/architecture.md draws it, and the contracts really catch what they forbid."""

import ast
import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("auth", "models", "processing", "webapp", "pages")
CONTRACTS = ROOT / ".importlinter"
READERS_OF_ENVIRONMENT = {
    "webapp/settings.py": "the one place that reads settings",
    "webapp/installation.py": "hands the environment on to child processes",
    "webapp/demo_source.py": "hands the environment on to pip",
    "processing/limited_child.py": "keeps the environment, which holds secrets, from child processes",
    "webapp/cli_test.py": "hands the environment on to apt",
}


@dataclass(frozen=True)
class Breach:
    """A line that must not be written, where, and the contract that it breaks."""

    contract: str
    file: str
    line: str


BREACHES = (
    Breach("direction", "webapp/services/jobs.py", "import pages.registry"),
    Breach("direction", "processing/windows.py", "import models.base"),
    Breach("direction", "auth/tokens.py", "import processing.errors"),
    Breach("entry", "webapp/worker.py", "import panel_serve"),
    Breach("webapp", "webapp/services/jobs.py", "import webapp.tasks.extraction"),
    Breach("webapp", "webapp/settings.py", "import webapp.database"),
    Breach("webapp", "webapp/api/deps.py", "import webapp.tasks.extraction"),
    Breach("core", "processing/pipeline.py", "import sqlalchemy"),
    Breach("pages", "pages/registry.py", "import models.job"),
    Breach("torch", "webapp/worker.py", "import processing.detector.network"),
    Breach("torch-in-core", "processing/pipeline.py", "import torch"),
    Breach("frameworks", "webapp/services/jobs.py", "import fastapi"),
)


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Check the contracts on the tree in `folder`."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--config", str(CONTRACTS), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contract_names() -> dict[str, str]:
    """Return the title of each contract by its key."""
    parser = configparser.ConfigParser()
    parser.read(CONTRACTS)
    prefix = "importlinter:contract:"
    return {key.removeprefix(prefix): parser[key]["name"] for key in parser.sections() if key.startswith(prefix)}


def python_files() -> Iterator[Path]:
    """Give all files of the product's packages."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def copy_tree(target: Path) -> None:
    """Copy the packages, without what Python has compiled."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))


def test_all_contracts_hold() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{len(contract_names())} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.contract}:{breach.file}")
def test_a_planted_breach_is_caught(breach: Breach, tmp_path: Path) -> None:
    copy_tree(tmp_path)
    with (tmp_path / breach.file).open("a") as file:
        file.write(f"\n{breach.line}\n")

    done = lint_imports(tmp_path)

    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{contract_names()[breach.contract]} BROKEN" in done.stdout


def test_every_contract_has_a_planted_breach() -> None:
    assert {breach.contract for breach in BREACHES} == set(contract_names())


def test_package_files_are_empty() -> None:
    filled = [str(path.relative_to(ROOT)) for path in python_files() if path.name == "__init__.py" and path.read_text()]

    assert filled == []


def test_only_named_modules_read_the_environment() -> None:
    readers = {str(path.relative_to(ROOT)) for path in python_files() if reads_environment(path)}

    assert readers <= set(READERS_OF_ENVIRONMENT)


def test_modules_are_small() -> None:
    long = {str(path.relative_to(ROOT)): count_lines(path) for path in python_files() if count_lines(path) > 300}

    assert long == {}


def reads_environment(path: Path) -> bool:
    """Tell whether a module touches `os.environ` or `os.getenv`."""
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") for node in ast.walk(tree))


def count_lines(path: Path) -> int:
    """Return the number of lines."""
    return len(path.read_text().splitlines())
