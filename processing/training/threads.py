"""Choice of the number of torch threads on a machine that others use too.

A step waits for its slowest thread, so on a busy machine fewer threads can be faster. Needs torch.
"""

import os
import time

import torch

TRIAL_STEPS = 6
KEEP_STEPS = 60


class ThreadChooser:
    """Tries each number of threads for a few steps, keeps the fastest for a while, and tries again."""

    def __init__(self, most: int) -> None:
        available = min(most, len(os.sched_getaffinity(0)))
        self._choices = sorted({1, available})
        self._spent_s: dict[int, float] = {}
        self._left = 0
        self._current = self._choices[-1]
        self._began = time.monotonic()
        self._start_trials()

    @property
    def current(self) -> int:
        """The number of threads in use."""
        return self._current

    def step_done(self) -> None:
        """Tell that a training step has ended; may change the number of threads."""
        self._left -= 1
        if self._left > 0 or len(self._choices) == 1:
            return
        if not self._waiting:
            self._start_trials()
            return
        self._spent_s[self._waiting.pop()] = time.monotonic() - self._began
        if self._waiting:
            self._use(self._waiting[-1], TRIAL_STEPS)
        else:
            self._use(min(self._spent_s, key=lambda choice: self._spent_s[choice]), KEEP_STEPS)

    def _start_trials(self) -> None:
        self._waiting = list(self._choices)
        self._use(self._waiting[-1], TRIAL_STEPS)

    def _use(self, threads: int, steps: int) -> None:
        self._current, self._left, self._began = threads, steps, time.monotonic()
        torch.set_num_threads(threads)
