"""The command line behind `./run`: one module for each group of verbs, loaded when it is asked for."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from webapp.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
VERBS = {
    "serve": ("webapp.cli_serve", "add_serve"),
    "work": ("webapp.cli_work", "add_work"),
    "extract": ("webapp.cli_extract", "add_extract"),
    "evaluate": ("webapp.cli_evaluate", "add_evaluate"),
    "check": ("webapp.cli_check", "add_check"),
    "import": ("webapp.cli_import", "add_import"),
    "index": ("webapp.cli_index", "add_index"),
    "export": ("webapp.cli_export", "add_export"),
    "create-user": ("webapp.cli_admin", "add_admin"),
    "migrate": ("webapp.cli_admin", "add_admin"),
    "prepare": ("webapp.cli_admin", "add_admin"),
    "demo": ("webapp.cli_demo", "add_demo"),
    "bench": ("webapp.cli_bench", "add_bench"),
    "test": ("webapp.cli_test", "add_test"),
    "licences": ("webapp.cli_licences", "add_licences"),
    "document-settings": ("webapp.cli_licences", "add_licences"),
}
WITHOUT_SETTINGS = ("extract", "evaluate", "check", "bench", "test", "licences", "document-settings")
INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one verb; return the exit code. What a person can mend is said in one sentence."""
    try:
        args, rest = build_parser(arguments[0]).parse_known_args(arguments)
        if rest:
            if not getattr(args, "passes_on", False):
                build_parser(arguments[0]).error(f"unknown arguments: {' '.join(rest)}")
            args.rest = rest
        if arguments[0] not in WITHOUT_SETTINGS:
            args.settings = settings_of(args)
        return int(args.run(args))
    except KeyboardInterrupt:
        print("run: Stopped.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if not hasattr(error, "code") or not hasattr(error, "parameters"):
            raise
        print(f"run: {error}", file=sys.stderr)
        return 1


def build_parser(verb: str) -> argparse.ArgumentParser:
    """Return the parser of one verb; the others are not even imported."""
    parser = argparse.ArgumentParser(prog="run", allow_abbrev=False)
    subparsers = parser.add_subparsers(required=True, metavar="VERB")
    module, function = VERBS[verb]
    getattr(importlib.import_module(module), function)(subparsers)
    return parser


def settings_of(args: argparse.Namespace) -> Settings:
    """Read the settings; options win over the environment, and that over `.env` beside the launcher.

    A relative DATA_DIR counts from the checkout, `--data` from where the person stands.
    """
    given = {name: getattr(args, name, None) for name in ("host", "port")}
    overrides: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = load_settings(_env_file=ROOT / ".env", **overrides)
    data = getattr(args, "data", None)
    folder = Path.cwd() / data if data is not None else ROOT / settings.data_dir
    return settings.model_copy(update={"data_dir": folder.resolve()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
