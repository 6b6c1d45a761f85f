"""What a file that has taken over its reader might try: `answer` for `processing.confined_child`, in tests alone."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Try everything; tell for each whether it was done, or the name of the error."""
    mine, other, folder = (Path(request[name]) for name in ("mine", "other", "folder"))
    tries: dict[str, Callable[[], object]] = {
        "read mine": mine.read_bytes,
        "write to the folder": lambda: (folder / "new").write_bytes(b"x"),
        "remove from the folder": lambda: (folder / "new").unlink(),
        "change mine": lambda: mine.write_bytes(b"x"),
        "read another": other.read_bytes,
        "list the parent": lambda: os.listdir(mine.parent),
        "write beside mine": lambda: (mine.parent / "beside").write_bytes(b"x"),
        "read the checkout": Path("README.md").read_bytes,
        "read the environment of the parent": Path(f"/proc/{os.getppid()}/environ").read_bytes,
        "connect": lambda: urllib.request.urlopen(request["url"], timeout=5),
        "send a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "start a program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        "kill the parent": lambda: os.kill(os.getppid(), 0),
    }
    return {name: _outcome(attempt) for name, attempt in tries.items()} | {"environment": dict(os.environ)}


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__
    return "done"
