"""What a process and its children hold of the machine's memory, by Linux's /proc."""

from contextlib import suppress
from pathlib import Path

OWN = ("RssAnon:", "RssShmem:", "VmSwap:")
"""What would be lost to everybody else: pages of files can be dropped at any time, and reserved addresses cost
nothing (ONNX Runtime and torch reserve many times what they touch)."""


def tree_of(pid: int) -> list[int]:
    """Return a process's id with those of its children and of theirs; of a process that is gone, its own."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [one for child in (task / "children").read_text().split() for one in tree_of(int(child))]
    return found


def held_bytes(pids: list[int]) -> int:
    """Return what processes hold together; 0 for those that are gone, and where there is no /proc."""
    return sum(_held(pid) for pid in pids)


def _held(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(OWN))
    return 0
