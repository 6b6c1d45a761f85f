"""Run one command and print what it took: `python -m benchmarks.timed_command PROGRAM ARGUMENT…`.

In a small process of its own: a child's peak of memory begins at that of the process which started it.
"""

import json
import resource
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    """Run it and print its processor time, wall clock and peak memory."""
    began = time.perf_counter()
    child = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    wall_s = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stderr.write(child.stderr)
    took = {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}
    print(json.dumps(took))
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
