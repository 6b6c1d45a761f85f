"""The child's side of `limited_child`: `python -m processing.confined_child MODULE`.

Puts up the walls first, while the process has one thread and has loaded nothing but this, then loads the module and
lets it answer.
"""

import importlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from processing.confinement import confine_this_process
from processing.errors import ProcessingError

SOURCES = Path(__file__).resolve().parent
OF_THE_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime"),
    *("/dev/null", "/dev/zero", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
"""Libraries and what they ask about the machine. Nothing of these tells a secret."""


def main() -> None:
    """Answer one request: {"reads": paths, "changes": paths, "request": what the module's `answer` takes}."""
    asked = json.loads(sys.stdin.read())
    confine_this_process([*of_the_program(), *map(Path, asked["reads"])], map(Path, asked["changes"]))
    answer = importlib.import_module(sys.argv[1]).answer
    try:
        told = answer(asked["request"])
    except ProcessingError as error:
        told = {"code": error.code, "parameters": error.parameters}
    # What GDAL prints before stays on lines of its own.
    sys.stdout.write("\n" + json.dumps(told) + "\n")


def of_the_program() -> Iterable[Path]:
    """Return where Python, its packages, the core and its libraries lie; not the checkout, which has secrets."""
    of_python = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return [SOURCES, *(Path(name) for name in (*of_python, *OF_THE_SYSTEM))]


if __name__ == "__main__":
    main()
