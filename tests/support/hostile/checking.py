"""Every file of the corpus through the checks, in one process with their limits.

`python -m tests.support.hostile.checking LURE URL` is that process. The product takes one for each file; here one
serves all, so that it takes seconds. A file that kills it is the last that it names.
"""

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

from processing.errors import ProcessingError
from processing.ingest.options import IngestOptions
from processing.ingest.reading import check_file
from processing.limited_child import ChildLimits, limit_this_process
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from processing.scene_check import LIMITS
from tests.support.hostile.case import Case, Door, Lures
from tests.support.hostile.corpus import COSTLY, all_cases

SAME_PICTURE = "names"
LIMITS_OF_BOTH = ChildLimits(LIMITS.memory_bytes, LIMITS.cpu_s, written_bytes=10**8)


def main() -> None:
    """Write one line of JSON before a file is checked, and one after."""
    lures = Lures(Path(sys.argv[1]), sys.argv[2])
    warnings.simplefilter("ignore")
    cases = [case for case in all_cases() if case.group != SAME_PICTURE and case.name not in COSTLY]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(cases))]
        for case, path in zip(cases, paths, strict=True):
            case.write(path, lures)
        # From here on nothing of ours needs memory or disk.
        limit_this_process(LIMITS_OF_BOTH)
        for case, path in zip(cases, paths, strict=True):
            _tell(case=case.name)
            began_s = time.process_time()
            _tell(code=_code_of(case, path, Path(folder)), cpu_s=time.process_time() - began_s)


def _code_of(case: Case, path: Path, folder: Path) -> str:
    """Return the code of the refusal; empty where the file was taken."""
    try:
        if case.door is Door.IMAGE:
            inspect_scene(path, name=case.name, budget=SceneBudget())
        else:
            check_file(path, IngestOptions(name=case.name), scratch=folder)
    except ProcessingError as error:
        return error.code
    return ""


def _tell(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
