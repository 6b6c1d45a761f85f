"""A file and an address that nothing may touch, and who watches them."""

import ctypes
import os
import socket
import struct
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.processing.made_scenes import write_scene
from tests.support.hostile.case import Lures

OPENED, READ = 0x20, 0x01
EVENT = struct.Struct("iIII")


@dataclass
class Watch:
    """Counts who opened or read the file, and who connected to the address."""

    lures: Lures
    _inotify: int
    connections: int = 0
    openings: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def touched(self) -> int:
        """How often, so far."""
        self._count_openings()
        return self.openings + self.connections

    def prove(self) -> None:
        """Touch both; raise where that goes unnoticed. What was counted before stays out of it."""
        before = self.touched, self.openings, self.connections
        self.lures.file.read_bytes()
        with suppress(OSError):
            urllib.request.urlopen(self.lures.url, timeout=2)
        self._count_openings()
        if self.openings == before[1] or self.connections == before[2]:
            raise AssertionError("the lures are not watched")
        _, self.openings, self.connections = before

    def _count_openings(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._inotify, 65_536):
                self.openings += len(data) // EVENT.size

    def _listen(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                self.connections += 1
                connection.close()


@contextmanager
def watched_lures(folder: Path) -> Iterator[Watch]:
    """Make the lures in a folder and watch them."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(3).integers(20, 200, (1, 300, 300)).astype(np.uint8)
    lure = write_scene(folder / "secret.tif", picture)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        watch = Watch(Lures(lure, url), _watch_file(lure))
        thread = threading.Thread(target=watch._listen, args=(listener,), daemon=True)
        thread.start()
        try:
            yield watch
        finally:
            watch._ended.set()
            thread.join()
            os.close(watch._inotify)


def _watch_file(path: Path) -> int:
    """Return an inotify descriptor for a file."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if descriptor < 0 or library.inotify_add_watch(descriptor, str(path).encode(), OPENED | READ) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return descriptor
