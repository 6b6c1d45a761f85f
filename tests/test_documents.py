"""What the documents say is what the code does."""

import argparse
import re
import subprocess
from pathlib import Path

import pytest

from auth.principals import Tier
from webapp import errors_text
from webapp.cli import VERBS, build_parser
from webapp.cli_licences import BEGIN, END, licence_table
from webapp.settings import Settings
from webapp.settings_text import ENV_EXAMPLE, README, env_example, readme_with_table

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
INTERNAL_VERBS = {"prepare"}
PASSES_ON = {"test", "bench"}
LIMITS = ("calls_per_hour", "jobs_per_hour", "states_per_day", "upload_bytes")


@pytest.fixture(scope="module")
def help_text() -> str:
    return subprocess.run([ROOT / "run", "--help"], capture_output=True, text=True, check=True).stdout


def help_of(verb: str, text: str) -> str:
    """Return what the help says of one verb: its line and the deeper ones below it."""
    found = re.search(rf"^  {verb} .*\n(?:^ {{12,}}.*\n)*", text, re.MULTILINE)
    assert found, f"./run --help does not list {verb}"
    return found[0]


def options_of(verb: str) -> set[str]:
    """Return the long options that the verb's parser takes."""
    actions = build_parser(verb)._actions
    subparsers = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    return {option for action in subparsers.choices[verb]._actions for option in action.option_strings}


@pytest.mark.parametrize("verb", sorted(set(VERBS) - INTERNAL_VERBS))
def test_help_lists_every_verb_with_options_that_exist(verb: str, help_text: str) -> None:
    words = help_of(verb, help_text)

    if verb not in PASSES_ON:
        assert set(re.findall(r"--[a-z-]+", words)) <= options_of(verb)


def test_help_names_every_option_of_serve(help_text: str) -> None:
    assert options_of("serve") - {"-h", "--help"} == set(re.findall(r"--[a-z-]+", help_of("serve", help_text)))


def test_the_example_of_settings_lists_them_all() -> None:
    assert ENV_EXAMPLE.read_text() == env_example(), "run ./run document-settings"


def test_the_readme_lists_all_settings() -> None:
    readme = README.read_text()

    assert readme == readme_with_table(readme), "run ./run document-settings"


def test_the_page_of_errors_lists_them_all() -> None:
    assert errors_text.PAGE.read_text() == errors_text.errors_page(), "run ./run document-settings"


def test_the_licences_are_those_of_the_requirements() -> None:
    listed = (ROOT / "THIRD_PARTY.md").read_text().partition(BEGIN)[2].partition(END)[0]

    assert listed.strip() == licence_table().strip(), "run ./run licences"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    broken = [target for target in targets if "://" not in target and not (document.parent / target).exists()]

    assert broken == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()

    assert [path.name for path in sorted(folder.glob("0*.md")) if path.name not in index] == []


def test_the_requirements_name_no_index_and_pin_every_hash() -> None:
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        pins = re.findall(r"^\S+==", text, re.MULTILINE)
        assert "://" not in text
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_the_test_and_training_requirements_contain_the_plain_ones() -> None:
    plain = pins_of("requirements.txt")

    assert plain <= pins_of("requirements-test.txt")
    assert plain <= pins_of("requirements-train.txt")


def pins_of(name: str) -> set[str]:
    """Return the pinned names and versions of a requirements file."""
    return set(re.findall(r"^(\S+==\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_limits_of_tiers_are_those_of_the_settings() -> None:
    table = (ROOT / "docs" / "accounts.md").read_text()
    for tier in Tier:
        values = [Settings.model_fields[f"{tier}_{kind}"].default for kind in LIMITS]
        calls, jobs, states = (value or "no limit" for value in values[:3])

        assert f"| {tier} | {calls} | {jobs} | {states} | {values[3] // 1_000_000} MB |" in table
