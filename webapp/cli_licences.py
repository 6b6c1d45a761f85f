"""`licences` and `document-settings`: the parts of documents that are written from the code and the packages."""

import argparse
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from webapp.errors_text import write_errors_page
from webapp.settings_text import write_settings_text

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
DOCUMENT = ROOT / "THIRD_PARTY.md"
BEGIN, END = "<!-- packages -->", "<!-- /packages -->"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
LONGEST = 60


def add_licences(subparsers: Any) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("licences", help="write the licence table of THIRD_PARTY.md")
    parser.set_defaults(run=run_licences)
    words = "write .env.example, the settings in README.md and docs/errors.md"
    parser = subparsers.add_parser("document-settings", help=words)
    parser.set_defaults(run=run_document_settings)


def run_document_settings(args: argparse.Namespace) -> int:
    """Write the settings and the errors in words."""
    write_settings_text()
    write_errors_page()
    print("Wrote .env.example, the settings in README.md and docs/errors.md.")
    return 0


def run_licences(args: argparse.Namespace) -> int:
    """Write the table."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{licence_table()}{END}{after}")
    print(f"Wrote {DOCUMENT.name}.")
    return 0


def licence_table() -> str:
    """Return a Markdown table of all packages that the product runs on."""
    rows = [f"| {name} | {version} | {licence} |\n" for name, version, licence in _packages()]
    return "| package | version | licence |\n|---|---|---|\n" + "".join(rows)


def pinned_packages() -> list[tuple[str, str]]:
    """Return name and version of each line of requirements.txt."""
    found = (PINNED.match(line) for line in REQUIREMENTS.read_text().splitlines())
    return [(match[1], match[2]) for match in found if match]


def _packages() -> Iterator[tuple[str, str, str]]:
    """Give name, version and licence; packages that only other platforms need are not here."""
    for name, version in pinned_packages():
        with suppress(PackageNotFoundError):
            yield name, version, licence_of(distribution(name))


def licence_of(package: Distribution) -> str:
    """Return the licence as the package states it: expression, else classifiers, else the first line of its text."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier", []) if line.startswith("License")]
    named = [name for name in classifiers if name != "OSI Approved"]
    if named:
        return ", ".join(named)
    text = (metadata.get("License") or "").strip()
    return text.splitlines()[0][:LONGEST] if text else "see the package's files"
