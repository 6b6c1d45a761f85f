"""One byte that a worker and its child processes share: whether the worker is being shut down."""

import mmap


class ShutdownFlag:
    """Made before the children are forked. No lock: a child that is killed can leave none behind."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Ask all running tasks to hand their job back."""
        self._page[0] = 1

    def is_set(self) -> bool:
        """Tell whether the worker is being shut down."""
        return self._page[0] == 1
